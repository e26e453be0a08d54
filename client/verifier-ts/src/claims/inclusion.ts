/** Inclusion: this happened, signed by a key in force then. */
import { equal, hex } from "../bytes.js";
import { type Event, recordOf } from "../events.js";
import type { File, Shown } from "../file.js";
import type { InclusionClaim } from "../gen/liuhen/v1/proof_pb.js";
import { needHashes } from "../hashes.js";
import { type Header, parseHeader } from "../header.js";
import { HEADER_LOG, TRAIL_LOG, rootOfInclusion } from "../merkle.js";
import { demand } from "../verdict.js";

/** Checks that an event is in a block that the anchor's log has, and gives it. */
export function included(claim: InclusionClaim | undefined, file: File): Event {
  demand(claim?.event !== undefined, "claim.none", "no event is claimed");
  const event = file.events.read(claim.event);
  const { leaf } = event;
  const header = parseHeader(claim.header, file.anchor.chain);
  const isOfBlock = leaf.height === header.height && leaf.timeMs === header.timeMs;
  demand(isOfBlock, "inclusion.header", "the event is of another block");
  needHashes(claim.headerPath);
  demand(
    isAtOrBelow(file.anchor, header, claim.headerPath),
    "inclusion.header",
    "a block that is not below the anchor",
  );
  needHashes(claim.eventPath);
  const root = rootOfInclusion(TRAIL_LOG, leaf.hash, BigInt(leaf.index), BigInt(header.eventCount), claim.eventPath);
  demand(root !== undefined && equal(root, header.eventsRoot), "inclusion.path", "the event is not in the block");
  return event;
}

/** Whether a header is the anchor, with an empty path, or below it, by its path in the anchor's log. */
function isAtOrBelow(anchor: Header, header: Header, path: readonly Uint8Array[]): boolean {
  if (header.height === anchor.height) return path.length === 0 && equal(header.id, anchor.id);
  return isBelow(anchor, header, path);
}

/** Whether a header is below the anchor, by its path in the anchor's log. */
export function isBelow(anchor: Header, header: Header, path: readonly Uint8Array[]): boolean {
  const root = rootOfInclusion(HEADER_LOG, header.id, header.height, anchor.height, path);
  return root !== undefined && equal(root, anchor.logRoot);
}

export function inclusion(claim: InclusionClaim, file: File): Shown {
  const event = included(claim, file);
  return { shows: `${describe(event)} stands in block ${event.leaf.height}`, caveats: caveatsOf([event]) };
}

/** An event in a few words. */
export function describe({ body }: Event): string {
  if (body.by === "ledger") return `${body.event.kind.case}, made by the ledger,`;
  return `${body.item.kind.case}, signed by ${body.header.department} (identity ${hex(body.header.identityId)}),`;
}

/** What events leave open. */
export function caveatsOf(events: readonly Event[]): string[] {
  const records = events.map(recordOf).filter((it) => it !== undefined);
  const caveats: string[] = [];
  if (records.length > 0) {
    caveats.push("block time says when an access was recorded; when it happened is its gateway's word");
    caveats.push("verdicts on accesses are attested by the validators");
  }
  if (events.some((it) => it.body.by === "ledger")) {
    caveats.push("events that the ledger made are attested by the validators, and signed by nobody");
  }
  if (records.some((it) => (it.subjects?.unknownCount ?? 0n) > 0n)) {
    caveats.push("some records do not say whose data it was");
  }
  return caveats;
}
