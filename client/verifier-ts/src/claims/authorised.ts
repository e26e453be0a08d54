/** Authorised: a recorded access was covered, by the nodes' own rules. */
import { allows, judge } from "../coverage.js";
import { type Event, recordOf } from "../events.js";
import type { File, Shown } from "../file.js";
import { IdentityKind, Right } from "../gen/liuhen/v1/consortium_pb.js";
import type { AuthorisedClaim, HeaderProof } from "../gen/liuhen/v1/proof_pb.js";
import type { RecordAccess } from "../gen/liuhen/v1/access_pb.js";
import type { TransactionHeader } from "../gen/liuhen/v1/transaction_pb.js";
import { needHashes } from "../hashes.js";
import { type Header, parseHeader } from "../header.js";
import { type Outcome, isSameOutcome } from "../leaf.js";
import { StateBefore } from "../replay.js";
import { Undecidable, demand } from "../verdict.js";
import { caveatsOf, describe, included, isBelow } from "./inclusion.js";

/** How many departments one behind the other may have taken a place. */
const SUCCESSORS = 16;

export function authorised(claim: AuthorisedClaim, file: File): Shown {
  const event = included(claim.record, file);
  const headers = readHeaders(claim.headers, file);
  const { verdict } = judgeAgain(event, headers, file);
  const shows = `${describe(event)} in block ${event.leaf.height}, was ${verdict} by the rules, replayed`;
  const caveats = caveatsOf([event]).filter((it) => !it.startsWith("verdicts"));
  return { shows, caveats: [...caveats, "who asked, and how much was served, is the gateway's word"] };
}

function readHeaders(given: readonly HeaderProof[], file: File): Map<bigint, Header> {
  const headers = new Map<bigint, Header>();
  for (const it of given) {
    const header = parseHeader(it.header, file.anchor.chain);
    needHashes(it.path);
    demand(isBelow(file.anchor, header, it.path), "authorised.header", "a header that is not below the anchor");
    demand(!headers.has(header.height), "file.unused", "a header is given twice");
    headers.set(header.height, header);
  }
  return headers;
}

/** What the rules make of the record, which must be what its leaf says: that it was allowed. */
function judgeAgain(event: Event, headers: ReadonlyMap<bigint, Header>, file: File): Outcome {
  const record = recordOf(event);
  demand(record !== undefined && event.body.by === "signer", "authorised.none", "no record of an access");
  const told = event.leaf.outcome;
  demand(allows(told.verdict), "authorised.not", `it was judged ${told.verdict}`);
  const state = new StateBefore(file.objects, headers, event.leaf, record);
  checkAccepted(state, event.body.header, record);
  const { outcome } = judge(state, record);
  if (outcome.reason === "quota_exceeded" || outcome.reason === "quota_day_unknown") {
    throw new Undecidable("what was used of the grant before the record: the counters at the anchor exceed its quota");
  }
  if (!isSameOutcome(outcome, told) && state.heights.size > 1) {
    throw new Undecidable(`whether block ${record.decidedHeight} counted as recent at height ${event.leaf.height}`);
  }
  demand(
    isSameOutcome(outcome, told),
    "authorised.differs",
    `by the rules it was ${outcome.verdict} (${outcome.reason})`,
  );
  const areNeeded =
    [...headers.keys()].every((height) => state.heights.has(height)) && headers.size === state.heights.size;
  demand(areNeeded, "file.unused", "a header that the claim does not need");
  return outcome;
}

/** Who signs is a gateway of the collector, and the datasets are the collector's. */
function checkAccepted(state: StateBefore, signer: TransactionHeader, record: RecordAccess): void {
  const refused = (holds: boolean, why: string): void => demand(holds, "authorised.differs", why);
  const collector = state.department(record.collector);
  let acting = record.collector;
  for (let at = 0; acting !== signer.department && acting !== "" && at < SUCCESSORS; at++) {
    acting = state.department(acting).successor;
  }
  refused(acting === signer.department, "the signer is of another department than the collector");
  refused(collector.rights.includes(Right.COLLECT), "the collector has no right to collect");
  const isSystem = state.identity(signer.identityId).kind === IdentityKind.SYSTEM;
  refused(isSystem, "the signer is no gateway");
  for (const { dataset: code } of record.accesses) {
    const dataset = state.dataset(code);
    refused(dataset?.registration?.collector === record.collector, "a dataset of another collector");
  }
}
