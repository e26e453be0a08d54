/** Items on sharing: workflow.proto. */
import * as workflow from "../gen/liuhen/v1/workflow_pb.js";
import { FIELDS } from "./catalogue.js";
import {
  ascendingBytes,
  ascendingNumbers,
  ascendingTexts,
  codeIfGiven,
  codes,
  division,
  ensure,
  given,
  idIfGiven,
  ids,
  within,
} from "./fields.js";

const GRANT_IDENTITIES = 256;
const DELEGATION_DEPTH = 4;
const MINUTES_A_DAY = 1440;

/** Terms; `isNamed` where they name identities, as all but those of a class do. */
function terms(part: workflow.Terms | undefined, isNamed: boolean): void {
  const it = given(part, "terms");
  ascendingTexts(it.fields, FIELDS);
  codes(...it.fields);
  division(it.division);
  ensure(it.operations.length > 0, "at least one operation is needed");
  ascendingNumbers(it.operations, 6);
  for (const operation of it.operations) within(operation, 1, 6, "an operation");
  ensure(it.identityIds.length > 0 === isNamed, "identities: one at least, none for a class");
  ascendingBytes(it.identityIds, GRANT_IDENTITIES);
  ids(...it.identityIds);
  ensure(it.fromMs < it.untilMs, "a period ends after it begins");
  ensure(it.quota !== undefined, "a quota is needed");
  within(it.delegation, 0, 2, "a delegation");
  const isPassedOn = it.delegation !== workflow.Delegation.UNSPECIFIED;
  ensure(isPassedOn === it.delegationDepth > 0, "a depth goes with a delegation");
  within(it.delegationDepth, 0, DELEGATION_DEPTH, "a depth");
  if (it.schedule !== undefined) schedule(it.schedule);
}

function schedule({ fromMinute, untilMinute, weekdays }: workflow.Schedule): void {
  within(fromMinute, 0, MINUTES_A_DAY - 1, "a minute of the day");
  within(untilMinute - fromMinute, 1, MINUTES_A_DAY, "the length of a schedule");
  within(weekdays, 0, 127, "weekdays");
}

/** What an item says of the request or grant that it is about. */
interface Story {
  requestId: Uint8Array;
  dataset: string;
  collector: string;
  usingDepartment: string;
}

/** A grant for a class has no using department. */
function story(it: Story): void {
  ids(it.requestId);
  codes(it.dataset, it.collector);
  codeIfGiven(it.usingDepartment);
}

/** The digest of a reason: wanted where something is refused, allowed otherwise. */
function reason(digest: Uint8Array, isWanted: boolean): void {
  if (isWanted) ids(digest);
  else idIfGiven(digest);
}

export function requestAccess(it: workflow.RequestAccess): void {
  codes(it.dataset, it.collector, it.usingDepartment, it.reference, it.purpose, it.legalBasis);
  ids(it.purposeDigest);
  idIfGiven(it.renews);
  terms(it.terms, true);
}

export function decideRequest(it: workflow.DecideRequest): void {
  story(it);
  reason(it.reasonDigest, !it.approve);
  if (it.approve) terms(it.terms, true);
  else ensure(it.terms === undefined, "a refusal has no terms");
}

export function confirmGrant(it: workflow.ConfirmGrant): void {
  story(it);
  codes(it.manager);
  reason(it.reasonDigest, !it.confirm);
}

/** RevokeGrant, SuspendGrant; and all of AmendGrant but its terms. */
export function endGrant(it: Story & { manager: string; reasonDigest: Uint8Array }): void {
  story(it);
  codeIfGiven(it.manager);
  ids(it.reasonDigest);
}

export function askSupplement(it: workflow.AskSupplement): void {
  story(it);
  ids(it.reasonDigest);
}

export function supplementRequest(it: workflow.SupplementRequest): void {
  story(it);
  ids(it.supplementDigest);
}

export function approveException(it: workflow.ApproveException): void {
  story(it);
  codes(it.lead);
  reason(it.reasonDigest, !it.approve);
}

export function offerStanding(it: workflow.OfferStanding): void {
  codes(it.dataset, it.collector, it.reference);
  const { levels, division: prefix } = given(it.class, "class");
  ascendingNumbers(levels, 5);
  for (const level of levels) within(level, 1, 5, "a level");
  division(prefix);
  terms(it.terms, false);
}

export function amendGrant(it: workflow.AmendGrant): void {
  endGrant(it);
  terms(it.terms, (it.terms?.identityIds.length ?? 0) > 0);
}

export function resumeGrant(it: workflow.ResumeGrant): void {
  story(it);
  codeIfGiven(it.manager);
}

export function reconfirmGrant(it: workflow.ReconfirmGrant): void {
  story(it);
  codes(it.manager);
}

export function delegateGrant(it: workflow.DelegateGrant): void {
  story(it);
  codes(it.usingDepartment, it.delegate, it.reference);
  terms(it.terms, true);
}

export function openEmergency(it: workflow.OpenEmergency): void {
  codes(it.dataset, it.collector, it.usingDepartment, it.manager);
  codes(it.reference, it.emergencyCode, it.purpose, it.legalBasis);
  ids(it.purposeDigest);
  terms(it.terms, true);
}

export function ratifyEmergency(it: workflow.RatifyEmergency): void {
  story(it);
  codes(it.manager);
  reason(it.reasonDigest, !it.ratify);
}

export function givePermit(it: workflow.GivePermit): void {
  codes(it.dataset, it.collector, it.reference, it.duty, it.purpose);
  terms(it.terms, true);
}
