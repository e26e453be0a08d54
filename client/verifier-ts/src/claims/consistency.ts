/** Consistency: the chain, or a trail, begins as was noted. */
import { hex } from "../bytes.js";
import type { File, Shown } from "../file.js";
import type { ConsistencyClaim } from "../gen/liuhen/v1/proof_pb.js";
import { needHashes } from "../hashes.js";
import { HEADER_LOG, TRAIL_LOG, isConsistent } from "../merkle.js";
import { nameOf } from "../places.js";
import { demand } from "../verdict.js";
import { checkHead } from "./head.js";
import { caveatsOfTrail } from "./inclusion.js";

export function consistency(claim: ConsistencyClaim, file: File): Shown {
  const { notedSize, notedRoot, hashes, trail } = claim;
  demand(notedRoot.length === 32, "consistency.noted", "what was noted has no root of 32 bytes");
  needHashes(hashes);
  const noted = { size: notedSize, root: notedRoot };
  let name = "the chain";
  const caveats = ["compare the noted root with your note"];
  if (trail === undefined) {
    const now = { size: file.anchor.height, root: file.anchor.logRoot };
    demand(isConsistent(HEADER_LOG, noted, now, hashes), "consistency.path", "not the chain's beginning");
  } else {
    const at = checkHead(trail, file);
    name = `trail ${nameOf(at)}`;
    caveats.push(...caveatsOfTrail(at));
    demand(isConsistent(TRAIL_LOG, noted, trail, hashes), "consistency.path", "not the trail's beginning");
  }
  return { shows: `${name} begins with the ${notedSize} entries of root ${hex(notedRoot)}`, caveats };
}
