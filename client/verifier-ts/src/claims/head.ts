/** The head of a trail at the anchor: its size and root, or that it is not in the map. */
import { MAX_U64, u64 } from "../bytes.js";
import type { File } from "../file.js";
import type { MapProof } from "../gen/liuhen/v1/proof_pb.js";
import { HASH_BYTES, hash } from "../hash.js";
import { holds, lacks } from "../map.js";
import { type Place, isTrailKind, mapKey, takesTrailId } from "../places.js";
import { demand } from "../verdict.js";

/** What a claim says of a trail. */
export interface GivenHead {
  trailKind: number;
  trailId: Uint8Array;
  size: bigint;
  root: Uint8Array;
  path?: MapProof | undefined;
}

/** Checks size and root of a trail against the anchor's map, and gives the trail's place. */
export function checkHead(given: GivenHead, file: File): Place {
  const { trailKind, trailId, size, root, path } = given;
  demand(isTrailKind(trailKind), "trail.kind", `no trail is of kind ${trailKind}`);
  demand(takesTrailId(trailKind, trailId), "trail.id", "no trail of this kind has such an id");
  const trail: Place = { kind: trailKind, id: trailId };
  demand(path !== undefined, "trail.head", "no path to the trail's head");
  if (size === 0n) {
    demand(root.length === 0, "trail.head", "an empty trail has no root");
    demand(lacks(file.anchor.mapRoot, mapKey(trail), path), "trail.head", "the trail may be in the map");
    return trail;
  }
  demand(root.length === HASH_BYTES, "trail.head", "a root has 32 bytes");
  demand(size < MAX_U64, "trail.head", "no trail is so long");
  const value = hash("trail", u64(size), root);
  demand(
    holds(file.anchor.mapRoot, mapKey(trail), value, path),
    "trail.head",
    "not the trail's size and root at the anchor",
  );
  return trail;
}
