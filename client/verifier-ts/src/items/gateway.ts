/** Items of gateways, and the users' halves: gateway.proto, half.proto. */
import { MAX_U64, equal } from "../bytes.js";
import type * as gateway from "../gen/liuhen/v1/gateway_pb.js";
import type { Acknowledge, AcknowledgeHour } from "../gen/liuhen/v1/half_pb.js";
import { Decision } from "../gen/liuhen/v1/record_pb.js";
import {
  ascendingBytes,
  ascendingNumbers,
  ascendingTexts,
  codes,
  ensure,
  given,
  idIfGiven,
  ids,
  numbered,
} from "./fields.js";
import { recordAccess } from "./record.js";

const GATEWAY_DATASETS = 256;
const BULK_TAGS = 470;
const CORRECTED_RECORDS = 64;

export function setGateway(it: gateway.SetGateway): void {
  codes(it.collector, ...it.datasets);
  ids(it.gatewayId);
  ascendingTexts(it.datasets, GATEWAY_DATASETS);
  idIfGiven(it.mappingDigest);
}

export function commitMapping(it: gateway.CommitMapping): void {
  codes(it.collector);
  ids(it.gatewayId, it.mappingDigest);
}

export function sealPeriod(it: gateway.SealPeriod): void {
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

export function declareLoss(it: gateway.DeclareLoss): void {
  codes(it.collector, it.cause);
  ids(it.gatewayId);
  numbered(it.first);
  ensure(it.first <= it.last && it.last < MAX_U64, "a range ends behind its begin");
}

export function declareOutage(it: gateway.DeclareOutage): void {
  codes(it.collector, it.cause);
  ids(it.gatewayId);
}

export function unrecordable(it: gateway.Unrecordable): void {
  codes(it.collector, it.reason);
  numbered(it.accessNo);
  ids(it.digest);
}

export function manualHandover(it: gateway.ManualHandover): void {
  const record = given(it.record, "record");
  recordAccess(record);
  ensure(record.decision === Decision.SERVED, "what is handed over is served");
  ids(it.mediumDigest);
}

export function addBulkTags(it: gateway.AddBulkTags): void {
  codes(it.collector);
  numbered(it.accessNo);
  ensure(it.tags.length > 0, "at least one tag is needed");
  ascendingBytes(it.tags, BULK_TAGS);
  ids(...it.tags);
}

export function correctRecords(it: gateway.CorrectRecords): void {
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
}

export function agreeCorrection(it: gateway.AgreeCorrection): void {
  codes(it.department);
  ids(it.correctionId);
  if (it.agree) idIfGiven(it.reasonDigest);
  else ids(it.reasonDigest);
}

export function acknowledge(it: Acknowledge): void {
  codes(it.dataset, it.collector, it.usingDepartment);
  ids(it.requestId, it.gatewayId);
  numbered(it.accessNo);
  idIfGiven(it.resultDigest);
}

export function acknowledgeHour(it: AcknowledgeHour): void {
  codes(it.dataset, it.collector, it.usingDepartment);
  ids(it.requestId, it.root);
}
