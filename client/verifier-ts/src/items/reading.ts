/** Items on reading the ledger, and on sealed records: reading.proto, sealing.proto. */
import type { CloseAudit, OpenAudit, OpenReads, RecordReads, TrailRead } from "../gen/liuhen/v1/reading_pb.js";
import type * as sealing from "../gen/liuhen/v1/sealing_pb.js";
import { isTrailKind, takesTrailId } from "../places.js";
import { codes, ensure, given, ids, numbered, within } from "./fields.js";
import { recordAccess } from "./record.js";

/** Reads in one item at most. */
const READS = 128;
const SALT_BYTES = 16;

export function recordReads(it: RecordReads): void {
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

export function audit(it: OpenAudit | CloseAudit): void {
  codes(it.department, it.audit);
}

export function openReads(it: OpenReads): void {
  codes(it.department, it.auditDepartment, it.audit);
  within(it.reads.length, 1, READS, "the count of reads");
  for (const read of it.reads) {
    trailRead(read);
    ids(read.salt);
  }
}

export function orderSealing(it: sealing.OrderSealing): void {
  codes(it.authority, it.collector);
  ids(it.decisionDigest);
}

export function extendSealing(it: sealing.ExtendSealing): void {
  codes(it.authority);
  ids(it.orderId, it.decisionDigest);
}

export function recordSealed(it: sealing.RecordSealed): void {
  codes(it.collector, it.authority);
  ids(it.orderId, it.commitment);
  numbered(it.accessNo);
}

export function openSealed(it: sealing.OpenSealed): void {
  codes(it.authority);
  ids(it.orderId, it.gatewayId);
  ensure(it.salt.length === SALT_BYTES, "a salt of 16 bytes is needed");
  recordAccess(given(it.record, "record"));
}
