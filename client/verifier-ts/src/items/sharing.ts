/** Items on sharing: sharing.proto. */
import * as sharing from "../gen/liuhen/v1/sharing_pb.js";
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
import type { Origin, Rows } from "./kind.js";
import { dataset, grant } from "../trails.js";
import { ID, made } from "../transactions.js";
import type { Place } from "../places.js";

const GRANT_IDENTITIES = 256;
const DELEGATION_DEPTH = 4;
const MINUTES_A_DAY = 1440;

/** Terms; `isNamed` where they name identities, as all but those of a class do. */
function terms(part: sharing.Terms | undefined, isNamed: boolean): void {
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
  const isPassedOn = it.delegation !== sharing.Delegation.UNSPECIFIED;
  ensure(isPassedOn === it.delegationDepth > 0, "a depth goes with a delegation");
  within(it.delegationDepth, 0, DELEGATION_DEPTH, "a depth");
  if (it.schedule !== undefined) schedule(it.schedule);
}

function schedule({ fromMinute, untilMinute, weekdays }: sharing.Schedule): void {
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

function requestAccess(it: sharing.RequestAccess): void {
  codes(it.dataset, it.collector, it.usingDepartment, it.reference, it.purpose, it.legalBasis);
  ids(it.purposeDigest);
  idIfGiven(it.renews);
  terms(it.terms, true);
}

function decideRequest(it: sharing.DecideRequest): void {
  story(it);
  reason(it.reasonDigest, !it.approve);
  if (it.approve) terms(it.terms, true);
  else ensure(it.terms === undefined, "a refusal has no terms");
}

function confirmGrant(it: sharing.ConfirmGrant): void {
  story(it);
  codes(it.manager);
  reason(it.reasonDigest, !it.confirm);
}

/** RevokeGrant, SuspendGrant; and all of AmendGrant but its terms. */
function endGrant(it: Story & { manager: string; reasonDigest: Uint8Array }): void {
  story(it);
  codeIfGiven(it.manager);
  ids(it.reasonDigest);
}

function askSupplement(it: sharing.AskSupplement): void {
  story(it);
  ids(it.reasonDigest);
}

function supplementRequest(it: sharing.SupplementRequest): void {
  story(it);
  ids(it.supplementDigest);
}

function approveException(it: sharing.ApproveException): void {
  story(it);
  codes(it.lead);
  reason(it.reasonDigest, !it.approve);
}

function offerStanding(it: sharing.OfferStanding): void {
  codes(it.dataset, it.collector, it.reference);
  const { levels, division: prefix } = given(it.class, "class");
  ascendingNumbers(levels, 5);
  for (const level of levels) within(level, 1, 5, "a level");
  division(prefix);
  terms(it.terms, false);
}

function amendGrant(it: sharing.AmendGrant): void {
  endGrant(it);
  terms(it.terms, (it.terms?.identityIds.length ?? 0) > 0);
}

function resumeGrant(it: sharing.ResumeGrant): void {
  story(it);
  codeIfGiven(it.manager);
}

function reconfirmGrant(it: sharing.ReconfirmGrant): void {
  story(it);
  codes(it.manager);
}

function delegateGrant(it: sharing.DelegateGrant): void {
  story(it);
  codes(it.usingDepartment, it.delegate, it.reference);
  terms(it.terms, true);
}

function openEmergency(it: sharing.OpenEmergency): void {
  codes(it.dataset, it.collector, it.usingDepartment, it.manager);
  codes(it.reference, it.emergencyCode, it.purpose, it.legalBasis);
  ids(it.purposeDigest);
  terms(it.terms, true);
}

function ratifyEmergency(it: sharing.RatifyEmergency): void {
  story(it);
  codes(it.manager);
  reason(it.reasonDigest, !it.ratify);
}

function givePermit(it: sharing.GivePermit): void {
  codes(it.dataset, it.collector, it.reference, it.duty, it.purpose);
  terms(it.terms, true);
}

/** Where an item on a request or grant is filed. */
function filed(it: { dataset: string; requestId: Uint8Array }): Place[] {
  return [dataset(it.dataset), grant(it.requestId)];
}

/** Of an item whose event gives its name to a request. */
function begins(it: { dataset: string }, at: Origin): Place[] {
  return [dataset(it.dataset), grant(made(ID.request, at))];
}

/** The kinds of this domain. */
export const SHARING = {
  requestAccess: { check: requestAccess, trails: begins },
  decideRequest: { check: decideRequest, trails: filed },
  confirmGrant: { check: confirmGrant, trails: filed },
  revokeGrant: { check: endGrant, trails: filed },
  suspendGrant: { check: endGrant, trails: filed },
  resumeGrant: { check: resumeGrant, trails: filed },
  amendGrant: { check: amendGrant, trails: filed },
  reconfirmGrant: { check: reconfirmGrant, trails: filed },
  askSupplement: { check: askSupplement, trails: filed },
  supplementRequest: { check: supplementRequest, trails: filed },
  approveException: { check: approveException, trails: filed },
  offerStanding: { check: offerStanding, trails: begins },
  delegateGrant: { check: delegateGrant, trails: (it, at) => [...begins(it, at), grant(it.requestId)] },
  openEmergency: { check: openEmergency, trails: begins },
  ratifyEmergency: { check: ratifyEmergency, trails: filed },
  givePermit: { check: givePermit, trails: begins },
} satisfies Rows;
