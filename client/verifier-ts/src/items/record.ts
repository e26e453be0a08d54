/** Records of accesses: access.proto. */
import { compareText, isAscending } from "../bytes.js";
import { Channel, Decision, type DatasetAccess, type Party, type RecordAccess } from "../gen/liuhen/v1/access_pb.js";
import { FIELDS } from "./catalogue.js";
import {
  ascendingBytes,
  ascendingTexts,
  codeIfGiven,
  codes,
  ensure,
  given,
  idIfGiven,
  ids,
  numbered,
  within,
} from "./fields.js";

/** Datasets touched by one access, and subjects listed in one record, at most. */
const DATASETS = 64;
const TAGS = 256;
/** Subjects of a bulk set at most. */
const BULK_SUBJECTS = 100_000_000n;

export function recordAccess(it: RecordAccess): void {
  codes(it.collector);
  numbered(it.accessNo);
  within(it.decision, Decision.SERVED, Decision.DENIED, "a decision");
  within(it.channel, Channel.DOOR, Channel.FILE, "a channel");
  // Who decides before serving knows what it serves.
  ensure(it.channel !== Channel.DOOR || it.accesses.length > 0, "at least one dataset");
  accesses(it.accesses);
  ensure(it.channel !== Channel.DOOR || !it.accesses.some((one) => one.grantUnknown), "who decides knows the grant");
  party(given(it.asker, "asker"));
  if (it.via !== undefined) party(it.via);
  idIfGiven(it.viaMessageDigest);
  ensure(it.via !== undefined || it.viaMessageDigest.length === 0, "a message id belongs to a platform");
  if (it.observing !== undefined) {
    ensure(it.decision === Decision.SERVED, "who observes serves");
    codeIfGiven(it.observing.denied);
  }
  if (it.onBehalfOf !== undefined) party(it.onBehalfOf);
  if (it.selfService !== undefined) {
    within(it.selfService.login, 0, 2, "an assurance");
    ensure(it.onBehalfOf === undefined, "who asks about himself asks for no identity");
    const { tags = [], bulk, whole = false } = it.subjects ?? {};
    ensure(tags.length <= 1 && bulk === undefined && !whole, "who asks about himself is one subject");
  }
  if (it.breakGlass !== undefined) {
    ensure(it.decision === Decision.SERVED, "a door that was opened by hand serves");
    ids(it.breakGlass.officerId, it.breakGlass.statementDigest);
    codes(it.breakGlass.cause);
  }
  codeIfGiven(it.purpose);
  subjects(it);
  ids(it.queryDigest);
  idIfGiven(it.resultDigest);
  idIfGiven(it.statementDigest);
  ensure(it.accessTimeMs > 0n, "a time of access is needed");
}

function accesses(list: readonly DatasetAccess[]): void {
  ensure(list.length <= DATASETS, "at most 64 datasets");
  const order = (a: DatasetAccess, b: DatasetAccess): number =>
    compareText(a.dataset, b.dataset) || a.operation - b.operation;
  ensure(isAscending(list, order), "accesses are not strictly ascending");
  for (const it of list) {
    codes(it.dataset);
    within(it.operation, 1, 6, "an operation");
    idIfGiven(it.requestId);
    ensure(!it.grantUnknown || it.requestId.length === 0, "a grant that is named is known");
    ascendingTexts(it.fields, FIELDS);
    codes(...it.fields);
  }
}

/** An identity with its department, or the digest of an account without one. */
function party(it: Party): void {
  idIfGiven(it.identityId);
  idIfGiven(it.unmappedDigest);
  const isMapped = it.identityId.length > 0;
  ensure(isMapped === (it.unmappedDigest.length === 0), "an identity or an account: one of the two");
  if (isMapped) codes(it.department);
  else ensure(it.department === "", "an account has no department");
  within(it.assurance, 0, 2, "an assurance");
}

function subjects(record: RecordAccess): void {
  const { tags, unknownCount, bulk, whole, uncounted } = given(record.subjects, "subjects");
  ascendingBytes(tags, TAGS);
  ids(...tags);
  const isFew = tags.length > 0 || unknownCount > 0n || uncounted;
  const isTold = record.accesses.length > 0;
  if (bulk !== undefined) {
    ensure(bulk.count >= 1n && bulk.count <= BULK_SUBJECTS, "1 to 100,000,000 subjects of a bulk set");
    ids(bulk.root);
    ensure(!isFew && !whole, "a bulk set stands alone");
    ensure(isTold, "a bulk set is of datasets that are told");
  }
  if (whole) {
    const isNamed = isTold && record.accesses.every((one) => one.version > 0n);
    ensure(isNamed && !isFew, "whole versions are named, and stand alone");
  }
}
