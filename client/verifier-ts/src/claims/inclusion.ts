/** Inclusion: this happened, signed by a key in force then. */
import { equal, hex } from "../bytes.js";
import { type Event, recordOf } from "../events.js";
import type { File, Shown } from "../file.js";
import type { InclusionClaim } from "../gen/liuhen/v1/proof_pb.js";
import { Decision, type RecordAccess } from "../gen/liuhen/v1/access_pb.js";
import { Operation } from "../gen/liuhen/v1/sharing_pb.js";
import { needHashes } from "../hashes.js";
import { type Header, parseHeader } from "../header.js";
import { HEADER_LOG, TRAIL_LOG, rootOfInclusion } from "../merkle.js";
import { type Place, TRAIL } from "../places.js";
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

/**
 * An event, named so that no two are named alike: a record by gateway, number, datasets, grants, asker and time; anything
 * else by its transaction, or its place among what the rules made.
 */
export function describe(event: Event): string {
  const { body, leaf } = event;
  if (body.by === "ledger") return `${body.event.kind.case}, number ${leaf.item} of what the rules made in its block,`;
  const { department, identityId } = body.header;
  const record = recordOf(event);
  if (record !== undefined) return describeAccess(record, identityId);
  const at = `item ${leaf.item} of transaction ${hex(leaf.origin)}`;
  return `${body.item.kind.case}, signed by ${department} (identity ${hex(identityId)}), ${at},`;
}

function describeAccess(record: RecordAccess, gateway: Uint8Array): string {
  const { accessNo, collector, accesses, asker, accessTimeMs, decision } = record;
  const touched = accesses.map(({ dataset, operation, requestId }) => {
    const grant = requestId.length > 0 ? `grant ${hex(requestId)}` : "no grant";
    return `${Operation[operation]?.toLowerCase()} of ${dataset} under ${grant}`;
  });
  const who =
    asker === undefined || asker.identityId.length === 0
      ? `an account that was not mapped, of digest ${hex(asker?.unmappedDigest ?? new Uint8Array(0))}`
      : `identity ${hex(asker.identityId)} of ${asker.department}`;
  const denied = decision === Decision.DENIED ? ", denied" : "";
  const number = `access number ${accessNo} of gateway ${hex(gateway)} of ${collector}`;
  return `${number}, at ${accessTimeMs} ms by its own word: ${touched.join(", and ")}; asked by ${who}${denied};`;
}

/** What the trail of a tag leaves open; nothing for others. */
export function caveatsOfTrail({ kind }: Place): string[] {
  if (kind !== TRAIL.subject) return [];
  return [
    "nothing is said of other collectors and years, whose tags are others",
    "what is sealed by lawful decision joins the trail when it is opened",
    "the trail of a tag holds the records that list it: bulk sets, whole versions and unknown subjects are not in it",
  ];
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
  if (records.some((it) => (it.subjects?.unknownCount ?? 0n) > 0n || it.subjects?.uncounted)) {
    caveats.push("some records do not say whose data it was");
  }
  return caveats;
}
