/** State: an object stands so. Absence: there is none; or no such event, or transaction, on a trail. */
import { equal, hex } from "../bytes.js";
import type { File, Shown } from "../file.js";
import type {
  AbsenceClaim,
  AbsentNumber,
  AbsentObject,
  AbsentTransaction,
  MapProof,
  StateClaim,
} from "../gen/liuhen/v1/proof_pb.js";
import { needHash } from "../hashes.js";
import { isWellFormed, lacks } from "../map.js";
import { type Place, mapKey, nameOf, objectSchema, takesObjectId } from "../places.js";
import { demand } from "../verdict.js";
import { complete, describeRange } from "./completeness.js";
import { checkHead } from "./head.js";
import { caveatsOf, caveatsOfTrail } from "./inclusion.js";

export function state({ kind, id }: StateClaim, file: File): Shown {
  demand(objectSchema(kind) !== undefined, "object.kind", `no object is of kind ${kind}`);
  demand(takesObjectId(kind, id), "object.id", `no object of kind ${kind} can have such an id`);
  const at = { kind, id };
  demand(file.objects.has(at), "object.none", `object ${nameOf(at)} is not in the file`);
  return { shows: `object ${nameOf(at)} stands so at the anchor`, caveats: [] };
}

export function absence({ of }: AbsenceClaim, file: File): Shown {
  switch (of.case) {
    case "object":
      return absentObject(of.value, file);
    case "number":
      return absentNumber(of.value, file);
    case "transaction":
      return absentTransaction(of.value, file);
    case undefined:
      demand(false, "claim.none", "nothing is said to be absent");
  }
}

function absentObject({ kind, id, path }: AbsentObject, file: File): Shown {
  demand(objectSchema(kind) !== undefined, "object.kind", `no object is of kind ${kind}`);
  demand(takesObjectId(kind, id), "object.id", `no object of kind ${kind} can have such an id`);
  const at = { kind, id };
  demand(path !== undefined, "object.path", "no path");
  checkAbsent(at, path, file);
  return { shows: `there is no object ${nameOf(at)} at the anchor`, caveats: [] };
}

/** Throws unless the path shows that there is no object at a place. */
export function checkAbsent(at: Place, path: MapProof, file: File): void {
  demand(isWellFormed(path), "object.path", "not a path of the map");
  demand(lacks(file.anchor.mapRoot, mapKey(at), path), "absence.object", `object ${nameOf(at)} may be there`);
}

function absentNumber({ trail, number }: AbsentNumber, file: File): Shown {
  demand(trail !== undefined, "claim.none", "no trail is claimed");
  const at = checkHead(trail, file);
  demand(number >= trail.size, "absence.number", `the trail has ${trail.size} events`);
  const shows = `trail ${nameOf(at)} has ${trail.size} events, and none of number ${number}`;
  return { shows, caveats: caveatsOfTrail(at) };
}

function absentTransaction({ trail, txId }: AbsentTransaction, file: File): Shown {
  needHash(txId);
  const { trail: at, range, events } = complete(trail, file);
  const isAbsent = events.every((it) => !equal(it.leaf.origin, txId));
  demand(isAbsent, "absence.transaction", "the transaction is on the trail");
  const shows = `no event of transaction ${hex(txId)} is on trail ${nameOf(at)} ${describeRange(range)}`;
  return { shows, caveats: [...caveatsOf(events), ...caveatsOfTrail(at)] };
}
