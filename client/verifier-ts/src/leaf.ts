/** Event leaves: the 90 bytes of which trails and blocks are logs. docs/spec/encoding.md, "Leaves and outcomes". */
import { Cursor } from "./bytes.js";
import { hash } from "./hash.js";
import { demand } from "./verdict.js";

export const LEAF_BYTES = 90;

/** Verdicts, by number. */
export const VERDICTS = ["none", "covered", "uncovered", "undetermined", "internal", "emergency", "denied", "would_be_denied"] as const;
export type AccessVerdict = (typeof VERDICTS)[number];

/** Reasons, by number: the first check that failed. */
export const REASONS = [
  "none",
  "unmapped_account",
  "no_grant",
  "unknown_grant",
  "other_dataset",
  "unknown_identity",
  "identity_not_granted",
  "identity_not_in_force",
  "assurance_too_low",
  "not_yet_granted",
  "grant_revoked",
  "outside_period",
  "operation_not_granted",
  "other_purpose",
  "field_not_granted",
  "quota_exceeded",
  "decision_too_old",
  "fields_unknown",
  "purpose_unknown",
  "future_time",
  "unknown_height",
  "quota_day_unknown",
  "grant_suspended",
  "ancestor_ended",
  "not_ratified",
  "dataset_retired",
  "not_reconfirmed",
  "outside_schedule",
  "not_in_class",
  "same_body",
  "other_body",
  "dataset_unknown",
  "rows_unknown",
  "grant_unknown",
  "denied_by_gateway",
  "self_service_not_standing",
  "only_self_service",
] as const;
export type Reason = (typeof REASONS)[number];

/** How soon a record came, by number. */
export const TIMELINESS = ["none", "live", "late", "backfill"] as const;
export type Timeliness = (typeof TIMELINESS)[number];

/** What the rules made of an event. */
export interface Outcome {
  verdict: AccessVerdict;
  reason: Reason;
  timeliness: Timeliness;
  /** Whether the time of access lay in the future. */
  future: boolean;
  /** Whether a grant that it names is another's: it counts on nothing of that one. */
  namesOthers: boolean;
}

export interface Leaf {
  /** The block that holds the event, the event's place in it, and the block's time. */
  height: bigint;
  index: number;
  timeMs: bigint;
  /** Transaction id; zeros for a ledger event. */
  origin: Uint8Array;
  /** The place among the transaction's items, or among the block's ledger events. */
  item: number;
  /** `H_item` of the item's bytes, or `H_ledger` of the ledger event's. */
  digest: Uint8Array;
  outcome: Outcome;
  /** `H_leaf` of the 90 bytes. */
  hash: Uint8Array;
}

/** Reads a leaf. Throws `event.leaf` for another length, or an outcome that no rule gives. */
export function parseLeaf(bytes: Uint8Array): Leaf {
  demand(bytes.length === LEAF_BYTES, "event.leaf", `a leaf has 90 bytes, this has ${bytes.length}`);
  const at = new Cursor(bytes);
  return {
    height: at.u64(),
    index: at.u32(),
    timeMs: at.u64(),
    origin: at.take(32),
    item: at.u32(),
    digest: at.take(32),
    outcome: parseOutcome(at.u16()),
    hash: hash("leaf", bytes),
  };
}

/** Bits 0–3 verdict, 4–5 timeliness, 6 future, 7 names a grant that is not its own, 8–15 reason. */
function parseOutcome(bits: number): Outcome {
  const verdict = VERDICTS[bits & 0xf];
  const timeliness = TIMELINESS[(bits >> 4) & 3];
  const reason = REASONS[bits >> 8];
  const isKnown = verdict !== undefined && timeliness !== undefined && reason !== undefined;
  demand(isKnown, "event.leaf", `no rule gives the outcome ${bits}`);
  return { verdict, timeliness, reason, future: (bits & 0x40) !== 0, namesOthers: (bits & 0x80) !== 0 };
}

export function isSameOutcome(a: Outcome, b: Outcome): boolean {
  const sameFlags = a.future === b.future && a.namesOthers === b.namesOthers;
  return a.verdict === b.verdict && a.reason === b.reason && a.timeliness === b.timeliness && sameFlags;
}
