/** Evidence against validators. Fork: two histories. Omission: an event is missing on a trail of its own. */
import { verifyAnchor } from "../anchor.js";
import { equal } from "../bytes.js";
import { isOn } from "../events.js";
import type { File, Shown } from "../file.js";
import { type ForkClaim, type OmissionClaim, RangeKind } from "../gen/liuhen/v1/proof_pb.js";
import { needHashes } from "../hashes.js";
import { parseHeader } from "../header.js";
import { nameOf } from "../places.js";
import { demand } from "../verdict.js";
import { complete } from "./completeness.js";
import { describe, included, isBelow } from "./inclusion.js";

export function fork(claim: ForkClaim, file: File): Shown {
  const { anchor } = file;
  const other = verifyAnchor(claim.other, file.trust);
  let second = other;
  if (claim.header.length > 0 || claim.headerPath.length > 0) {
    second = parseHeader(claim.header, anchor.chain);
    needHashes(claim.headerPath);
    demand(isBelow(other, second, claim.headerPath), "fork.none", "not a header of the second history");
  }
  demand(second.height === anchor.height, "fork.none", "blocks of different heights");
  demand(!equal(second.id, anchor.id), "fork.none", "one history");
  return { shows: `validators certified two histories, which differ at height ${anchor.height}`, caveats: [] };
}

export function omission(claim: OmissionClaim, file: File): Shown {
  const event = included(claim.included, file);
  const { trail, range, events } = complete(claim.trail, file);
  const { leaf } = event;
  const at = range.kind === RangeKind.TIMES ? leaf.timeMs : leaf.height;
  const isAround = range.kind === RangeKind.WHOLE || (range.from <= at && at < range.until);
  demand(isOn(event, trail) && isAround, "omission.none", "the event does not belong into this stretch");
  const isMissing = events.every((it) => !equal(it.leaf.hash, leaf.hash));
  demand(isMissing, "omission.none", "the event is on the trail");
  return { shows: `${describe(event)} of block ${leaf.height}, is missing on trail ${nameOf(trail)}`, caveats: [] };
}
