/** Evidence against validators. Fork: two histories. Omission: an event is missing on a trail of its own. */
import { verifyAnchor } from "../anchor.js";
import { equal } from "../bytes.js";
import { isOn } from "../events.js";
import type { File, Shown } from "../file.js";
import { type ForkClaim, type OmissionClaim, RangeKind } from "../gen/liuhen/v1/proof_pb.js";
import { needHashes } from "../hashes.js";
import { parseHeader } from "../header.js";
import { HEADER_LOG, rootsOfInclusion } from "../merkle.js";
import { nameOf } from "../places.js";
import { demand } from "../verdict.js";
import { complete } from "./completeness.js";
import { describe, included } from "./inclusion.js";

export function fork(claim: ForkClaim, file: File): Shown {
  const { anchor } = file;
  const other = verifyAnchor(claim.other, file.trust);
  let second = other;
  let logRoot = other.logRoot;
  if (claim.header.length > 0 || claim.headerPath.length > 0) {
    second = parseHeader(claim.header, anchor.chain);
    needHashes(claim.headerPath);
    const roots = rootsOfInclusion(HEADER_LOG, second.id, second.height, other.height, claim.headerPath);
    const isBelow = roots !== undefined && equal(roots.root, other.logRoot);
    demand(isBelow, "fork.none", "not a header of the second history");
    logRoot = roots.before;
  }
  demand(second.height === anchor.height, "fork.none", "blocks of different heights");
  const isOne = equal(second.id, anchor.id) && equal(logRoot, anchor.logRoot);
  demand(!isOne, "fork.none", "one history");
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
