/** Department: all that was signed for a department in a range. */
import { compare, equal, textOf } from "../bytes.js";
import type { File, Shown } from "../file.js";
import { IdentitySchema, RosterSchema } from "../gen/liuhen/v1/ledger_pb.js";
import { type DepartmentClaim, RangeKind } from "../gen/liuhen/v1/proof_pb.js";
import { TRAIL, place } from "../places.js";
import { demand } from "../verdict.js";
import { type Range, complete, describeRange, isSameRange } from "./completeness.js";
import { caveatsOf } from "./inclusion.js";

export function department(claim: DepartmentClaim, file: File): Shown {
  const { department: code } = claim;
  const own = complete(claim.trail, file);
  const isOwn =
    own.trail.kind === TRAIL.department && textOf(own.trail.id) === code && own.range.kind === RangeKind.WHOLE;
  demand(isOwn, "department.trail", "not the department's whole trail");
  const expected = keysOf(code, file);
  const areAll =
    claim.keys.length === expected.length &&
    claim.keys.every((it, at) => equal(it.trailId, expected[at] as Uint8Array));
  demand(areAll, "department.keys", "not the trails of all its keys, in order");
  const keys = claim.keys.map((it) => complete(it, file));
  const range = keys[0]?.range;
  const areOfKeys = keys.every((it) => it.trail.kind === TRAIL.key && isSameRange(it.range, range as Range));
  demand(areOfKeys, "department.keys", "not trails of keys in one range");
  const events = [...own.events, ...keys.flatMap((it) => it.events)];
  const count = keys.reduce((sum, it) => sum + it.events.length, 0);
  const when = range === undefined ? "" : ` ${describeRange(range)}`;
  const shows = `these ${count} events are all that the ${keys.length} keys of ${code} signed${when}`;
  return { shows, caveats: [...caveatsOf(events), "who uses a key is the department's word"] };
}

/** The ids of all keys that a department's identities have or had, ascending. */
function keysOf(code: string, file: File): Uint8Array[] {
  const roster = file.objects.need(place.roster(code), RosterSchema);
  const identities = roster.identityIds.map((id) => file.objects.need(place.identity(id), IdentitySchema));
  const ascending = identities.flatMap((it) => it.keyIds).sort(compare);
  return ascending.filter((id, at) => at === 0 || !equal(id, ascending[at - 1] as Uint8Array));
}
