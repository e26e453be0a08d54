/** Items on reading the ledger: reading.proto. */
import type {
  CloseAudit,
  OpenAudit,
  OpenReads,
  OpenedRead,
  ReadRequest,
  RecordReads,
  SealedReads,
  TrailRead,
} from "../gen/liuhen/v1/reading_pb.js";
import { type Place, TRAIL, isTrailKind, takesTrailId } from "../places.js";
import { codeIfGiven, codes, ensure, given, ids, within } from "./fields.js";
import type { Rows } from "./kind.js";
import { department, identity } from "../trails.js";

/** Reads in one item, and in a sealed batch, at most; and hashes from one of a batch to its root. */
const READS = 128;
const PATH = 7;

function recordReads(it: RecordReads): void {
  codes(it.department);
  within(it.reads.length + it.sealed.length, 1, READS, "the count of reads");
  for (const read of it.reads) {
    trailRead(read);
    ensure(read.salt.length === 0, "an open read has no salt");
    ensure(read.request?.audit === "", "what is read for an audit is sealed");
  }
  for (const sealed of it.sealed) sealedReads(sealed);
}

function sealedReads(it: SealedReads): void {
  codes(it.department, it.audit);
  ids(it.root);
  within(it.count, 1, READS, "the count of a batch");
}

function trailRead(it: TrailRead): void {
  codes(it.department);
  ids(it.identityId);
  readRequest(given(it.request, "request"));
  if (it.list !== "") {
    const isBare = it.trailKind === 0 && it.trailId.length === 0 && it.first === 0n;
    ensure(isBare, "a trail or a list: one of the two");
    codes(it.list);
    return;
  }
  const isTrail = isTrailKind(it.trailKind) && takesTrailId(it.trailKind, it.trailId);
  ensure(isTrail, "no trail is of such a kind and id");
}

/** What the reader signed; that it did is for the rules to see, which had its key. */
function readRequest(it: ReadRequest): void {
  ids(it.keyId, it.callDigest, it.node);
  ensure(it.timeMs > 0n, "a time is needed");
  ensure(it.nonce.length === 16, "a nonce has 16 bytes");
  codeIfGiven(it.audit);
  ensure(it.signature.length === 64, "a signature has 64 bytes");
}

function openAudit(it: OpenAudit): void {
  codes(it.department, it.audit);
  ensure(it.untilMs > 0n, "a date is needed");
}

function closeAudit(it: CloseAudit): void {
  codes(it.department, it.audit);
}

function openReads(it: OpenReads): void {
  codes(it.department, it.auditDepartment, it.audit, it.sealedBy);
  ids(it.root);
  within(it.reads.length, 1, READS, "the count of reads");
  ensure(isAscendingByIndex(it.reads), "indices are not strictly ascending");
  for (const one of it.reads) openedRead(one);
}

function isAscendingByIndex(reads: readonly OpenedRead[]): boolean {
  let before = -1;
  for (const { index } of reads) {
    if (index <= before) return false;
    before = index;
  }
  return true;
}

function openedRead(it: OpenedRead): void {
  const read = given(it.read, "read");
  trailRead(read);
  ids(read.salt);
  ensure(it.index < READS && it.path.length <= PATH, "a batch has 1 to 128 reads");
  ids(...it.path);
}

/** Trails whose numbers count something: who read them is not on them. */
const COUNTED: readonly number[] = [TRAIL.key, TRAIL.use, TRAIL.gateway];

/** A read is on its reader's trail, and on the trail that was read. */
function readers(reads: readonly TrailRead[]): Place[] {
  const wereRead = reads.filter((it) => it.list === "" && !COUNTED.includes(it.trailKind));
  return [
    ...reads.map((it) => identity(it.identityId)),
    ...wereRead.map((it) => ({ kind: it.trailKind, id: it.trailId })),
  ];
}

/** The kinds of this domain. */
export const READING = {
  recordReads: {
    check: recordReads,
    trails: (it) => [...readers(it.reads), ...it.sealed.map((one) => department(one.department))],
  },
  openAudit: { check: openAudit, trails: (it) => [department(it.department)] },
  closeAudit: { check: closeAudit, trails: (it) => [department(it.department)] },
  openReads: { check: openReads, trails: (it) => readers(it.reads.flatMap((one) => one.read ?? [])) },
} satisfies Rows;
