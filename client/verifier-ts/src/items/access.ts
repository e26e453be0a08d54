/** Items on access: records, what gateways say of them, the users' halves, what was sealed: access.proto. */
import { MAX_U64, equal } from "../bytes.js";
import * as access from "../gen/liuhen/v1/access_pb.js";
import {
  ascendingBytes,
  ascendingNumbers,
  ascendingTexts,
  codeIfGiven,
  codes,
  ensure,
  given,
  idIfGiven,
  ids,
  numbered,
} from "./fields.js";
import { recordAccess } from "./record.js";
import type { Origin, Rows } from "./kind.js";
import { acknowledgements, bulkTags, dataset, gateway, sealed, subjectTrail, unlisted, use } from "../trails.js";
import type { Place } from "../places.js";

const GATEWAY_DATASETS = 256;
const BULK_TAGS = 470;
const CORRECTED_RECORDS = 48;
const SALT_BYTES = 16;

function setGateway(it: access.SetGateway): void {
  codes(it.collector, ...it.datasets);
  ids(it.gatewayId);
  ascendingTexts(it.datasets, GATEWAY_DATASETS);
  idIfGiven(it.mappingDigest);
}

function setObserving(it: access.SetObserving): void {
  codes(it.department, it.collector);
  ids(it.gatewayId);
  ensure(it.datasets.length > 0, "at least one dataset");
  ascendingTexts(it.datasets, GATEWAY_DATASETS);
  codes(...it.datasets);
}

function leaseUse(it: access.LeaseUse): void {
  codes(it.dataset, it.collector);
  codeIfGiven(it.usingDepartment);
  ids(it.requestId);
}

function commitMapping(it: access.CommitMapping): void {
  codes(it.collector);
  ids(it.gatewayId, it.mappingDigest);
}

function sealPeriod(it: access.SealPeriod): void {
  codes(it.collector);
  ensure(it.fromMs < it.untilMs, "a period ends after it begins");
  numbered(it.first);
  ensure(it.first + it.count <= MAX_U64, "beyond all numbers");
  ids(it.spoolRoot);
  ascendingTexts(
    it.observed.map((one) => one.dataset),
    GATEWAY_DATASETS,
  );
  for (const one of it.observed) {
    codes(one.dataset);
    idIfGiven(one.contentDigest);
  }
}

function declareLoss(it: access.DeclareLoss): void {
  codes(it.collector, it.cause);
  ids(it.gatewayId);
  numbered(it.first);
  ensure(it.first <= it.last && it.last < MAX_U64, "a range ends behind its begin");
}

function declareOutage(it: access.DeclareOutage): void {
  codes(it.collector, it.cause);
  ids(it.gatewayId);
}

function unrecordable(it: access.Unrecordable): void {
  codes(it.collector, it.reason);
  numbered(it.accessNo);
  ids(it.digest);
}

function manualHandover(it: access.ManualHandover): void {
  const record = given(it.record, "record");
  recordAccess(record);
  ensure(record.decision === access.Decision.SERVED, "what is handed over is served");
  ensure(record.accesses.length > 0, "at least one dataset");
  ids(it.mediumDigest);
}

function addBulkTags(it: access.AddBulkTags): void {
  codes(it.collector);
  numbered(it.accessNo);
  ensure(it.tags.length > 0, "at least one tag is needed");
  ascendingBytes(it.tags, BULK_TAGS);
  ids(...it.tags);
}

function correctRecords(it: access.CorrectRecords): void {
  codes(it.collector, it.reason, it.toDepartment);
  ids(it.gatewayId, it.mappingDigest, it.toIdentityId);
  idIfGiven(it.fromIdentityId);
  idIfGiven(it.fromUnmappedDigest);
  const isMapped = it.fromIdentityId.length > 0;
  ensure(isMapped === (it.fromUnmappedDigest.length === 0), "an identity or an account: one of the two");
  if (isMapped) codes(it.fromDepartment);
  else ensure(it.fromDepartment === "", "an account has no department");
  ensure(!equal(it.toIdentityId, it.fromIdentityId), "another identity is needed");
  ensure(it.records.length > 0, "at least one record is needed");
  ascendingNumbers(
    it.records.map((one) => one.accessNo),
    CORRECTED_RECORDS,
  );
  for (const one of it.records) {
    recordAccess(one);
    ensure(one.collector === it.collector, "another collector's record");
    const asker = given(one.asker, "asker");
    const isTheirs = asker.department === it.toDepartment && equal(asker.identityId, it.toIdentityId);
    ensure(isTheirs, "not of the identity that the item names");
  }
  ensure(it.recorded.length === it.records.length, "a digest for each record");
  ids(...it.recorded);
}

function agreeCorrection(it: access.AgreeCorrection): void {
  codes(it.department);
  ids(it.correctionId);
  if (it.agree) idIfGiven(it.reasonDigest);
  else ids(it.reasonDigest);
}

function acknowledge(it: access.Acknowledge): void {
  codes(it.dataset, it.collector, it.usingDepartment);
  ids(it.requestId, it.gatewayId);
  numbered(it.accessNo);
  idIfGiven(it.resultDigest);
  if (it.receipt === undefined) return;
  ids(it.receipt.keyId);
  ensure(it.receipt.timeMs > 0n, "a receipt's time is needed");
  ensure(it.receipt.signature.length === 64, "a signature has 64 bytes");
}

function acknowledgeHour(it: access.AcknowledgeHour): void {
  codes(it.dataset, it.collector, it.usingDepartment);
  ids(it.requestId, it.root);
}

export function orderSealing(it: access.OrderSealing): void {
  codes(it.authority, it.collector);
  ids(it.decisionDigest);
}

export function extendSealing(it: access.ExtendSealing): void {
  codes(it.authority);
  ids(it.orderId, it.decisionDigest);
}

export function recordSealed(it: access.RecordSealed): void {
  codes(it.collector, it.authority);
  ids(it.orderId, it.commitment);
  numbered(it.accessNo);
}

export function openSealed(it: access.OpenSealed): void {
  codes(it.authority);
  ids(it.orderId, it.gatewayId);
  ensure(it.salt.length === SALT_BYTES, "a salt of 16 bytes is needed");
  recordAccess(given(it.record, "record"));
}

/** Which datasets a record touched, under which grants, and whose data it was. */
function touched(record: access.RecordAccess | undefined): Place[] {
  if (record === undefined) return [];
  const { accesses, collector, subjects } = record;
  const uses = accesses.filter((one) => one.requestId.length > 0).map((one) => use(one.requestId));
  const tags = (subjects?.tags ?? []).map((tag) => subjectTrail(collector, tag));
  const concernsAnybody = subjects?.bulk !== undefined || subjects?.whole === true;
  return [
    ...accesses.map((one) => dataset(one.dataset)),
    ...uses,
    ...tags,
    ...(concernsAnybody ? [unlisted(collector)] : []),
  ];
}

/** The gateway that signs. */
function own(at: Origin): Place {
  return gateway(at.header.identityId);
}

/** The kinds of this domain. */
export const ACCESS = {
  recordAccess: { check: recordAccess, trails: (it, at) => [own(at), ...touched(it)] },
  setGateway: { check: setGateway, trails: (it) => [gateway(it.gatewayId), ...it.datasets.map(dataset)] },
  setObserving: { check: setObserving, trails: (it) => [gateway(it.gatewayId), ...it.datasets.map(dataset)] },
  leaseUse: { check: leaseUse, trails: (it, at) => [own(at), use(it.requestId)] },
  commitMapping: { check: commitMapping, trails: (it) => [gateway(it.gatewayId)] },
  sealPeriod: { check: sealPeriod, trails: (_, at) => [own(at)] },
  declareLoss: { check: declareLoss, trails: (it) => [gateway(it.gatewayId)] },
  declareOutage: { check: declareOutage, trails: (it) => [gateway(it.gatewayId)] },
  unrecordable: { check: unrecordable, trails: (_, at) => [own(at)] },
  manualHandover: { check: manualHandover, trails: (it, at) => [own(at), ...touched(it.record)] },
  addBulkTags: { check: addBulkTags, trails: (it, at) => [own(at), bulkTags(at.header.identityId, it.accessNo)] },
  correctRecords: { check: correctRecords, trails: (it) => [gateway(it.gatewayId), ...it.records.flatMap((record) => record.accesses).map((one) => dataset(one.dataset))] },
  agreeCorrection: { check: agreeCorrection, trails: () => [] },
  acknowledge: { check: acknowledge, trails: (it) => [acknowledgements(it.requestId)] },
  acknowledgeHour: { check: acknowledgeHour, trails: (it) => [acknowledgements(it.requestId)] },
  orderSealing: { check: orderSealing, trails: (it) => [sealed(it.authority)] },
  extendSealing: { check: extendSealing, trails: (it) => [sealed(it.authority)] },
  recordSealed: { check: recordSealed, trails: (it, at) => [sealed(it.authority), own(at)] },
  openSealed: { check: openSealed, trails: (it) => [sealed(it.authority), gateway(it.gatewayId), ...touched(it.record)] },
} satisfies Rows;
