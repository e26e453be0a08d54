/** Items on reading the ledger: reading.proto. */
import type { CloseAudit, OpenAudit, OpenReads, RecordReads, TrailRead } from "../gen/liuhen/v1/reading_pb.js";
import { type Place, TRAIL, isTrailKind, takesTrailId } from "../places.js";
import { codes, ensure, ids, within } from "./fields.js";
import type { Rows } from "./kind.js";
import { department, identity } from "../trails.js";

/** Reads in one item at most. */
const READS = 128;

function recordReads(it: RecordReads): void {
  codes(it.department);
  within(it.reads.length + it.sealed.length, 1, READS, "the count of reads");
  for (const read of it.reads) {
    trailRead(read);
    ensure(read.salt.length === 0, "an open read has no salt");
  }
  for (const sealed of it.sealed) {
    codes(sealed.department, sealed.audit);
    ids(sealed.commitment);
  }
}

function trailRead(it: TrailRead): void {
  codes(it.department);
  ids(it.identityId);
  const isTrail = isTrailKind(it.trailKind) && takesTrailId(it.trailKind, it.trailId);
  ensure(isTrail, "no trail is of such a kind and id");
}

function audit(it: OpenAudit | CloseAudit): void {
  codes(it.department, it.audit);
}

function openReads(it: OpenReads): void {
  codes(it.department, it.auditDepartment, it.audit);
  within(it.reads.length, 1, READS, "the count of reads");
  for (const read of it.reads) {
    trailRead(read);
    ids(read.salt);
  }
}

/** Trails whose numbers count something: who read them is not on them. */
const COUNTED: readonly number[] = [TRAIL.key, TRAIL.use, TRAIL.gateway];

/** A read is on its reader's trail, and on the trail that was read. */
function readers(reads: readonly TrailRead[]): Place[] {
  const wereRead = reads.filter((it) => !COUNTED.includes(it.trailKind));
  return [
    ...reads.map((it) => identity(it.identityId)),
    ...wereRead.map((it) => ({ kind: it.trailKind, id: it.trailId })),
  ];
}

/** The kinds of this domain. */
export const READING = {
  recordReads: { check: recordReads, trails: (it) => [...readers(it.reads), ...it.sealed.map((one) => department(one.department))] },
  openAudit: { check: audit, trails: (it) => [department(it.department)] },
  closeAudit: { check: audit, trails: (it) => [department(it.department)] },
  openReads: { check: openReads, trails: (it) => readers(it.reads) },
} satisfies Rows;
