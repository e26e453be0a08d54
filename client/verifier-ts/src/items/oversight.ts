/** Items on alerts, cases, products and misbehaviour of validators: oversight.proto. */
import { compare, equal } from "../bytes.js";
import type * as oversight from "../gen/liuhen/v1/oversight_pb.js";
import { SIGNATURE_BYTES } from "../signature.js";
import { ascendingBytes, codeIfGiven, codes, ensure, given, idIfGiven, ids, numbered, within } from "./fields.js";
import type { Rows } from "./kind.js";
import { alert, caseTrail, dataset, department, governance, grant, integrity, product } from "../trails.js";
import { ID, made } from "../transactions.js";
import type { Place } from "../places.js";

const PRODUCT_GRANTS = 64;

function answerAlert(it: oversight.AnswerAlert): void {
  codes(it.department);
  numbered(it.number);
  if (it.close) ids(it.reasonDigest);
  else idIfGiven(it.reasonDigest);
}

function openCase(it: oversight.OpenCase): void {
  codes(it.department, it.reference);
  codeIfGiven(it.respondent);
  ids(it.reasonDigest);
  const about = given(it.subject, "subject").about;
  const isLedgers = about.case === "integrity";
  ensure((it.respondent === "") === isLedgers, "a respondent, but for integrity events");
  ensure(it.respondent !== it.department, "nobody answers itself");
  caseSubject(about);
}

function caseSubject(about: oversight.CaseSubject["about"]): void {
  switch (about.case) {
    case undefined:
      return ensure(false, "what is the case about?");
    case "version":
      codes(about.value.dataset);
      return numbered(about.value.version);
    case "record":
      codes(about.value.dataset);
      ids(about.value.gatewayId);
      numbered(about.value.accessNo);
      return idIfGiven(about.value.requestId);
    case "grant":
      codes(about.value.dataset);
      return ids(about.value.requestId);
    case "integrity":
      codes(about.value.department);
      return numbered(about.value.number);
    case "correction":
      return ids(about.value.correctionId);
  }
}

function answerCase(it: oversight.AnswerCase): void {
  codes(it.department);
  ids(it.caseId, it.answerDigest);
}

function ruleCase(it: oversight.RuleCase): void {
  codes(it.department);
  ids(it.caseId, it.reasonDigest);
  codeIfGiven(it.commend);
}

function registerProduct(it: oversight.RegisterProduct): void {
  codes(it.department, it.reference, it.manager);
  within(it.kind, 1, 3, "a kind of product");
  ids(it.digest, ...it.requestIds);
  ensure(it.requestIds.length > 0, "it stands on at least one grant");
  ascendingBytes(it.requestIds, PRODUCT_GRANTS);
}

/** ReleaseProduct, and what all items on a product say. */
function aProduct(it: { productId: Uint8Array; department: string }): void {
  codes(it.department);
  ids(it.productId);
}

function reviewProduct(it: oversight.ReviewProduct): void {
  aProduct(it);
  if (it.approve) idIfGiven(it.reasonDigest);
  else ids(it.reasonDigest);
}

function evaluateProduct(it: oversight.EvaluateProduct): void {
  aProduct(it);
  within(it.score, 1, 5, "a score");
  ids(it.reportDigest);
}

function recallProduct(it: oversight.RecallProduct): void {
  aProduct(it);
  ids(it.reasonDigest);
}

/** The type of a proposal, beside those of votes. */
const PROPOSAL = 3;

function reportDoubleVote(it: oversight.ReportDoubleVote): void {
  codes(it.department, it.validatorDepartment);
  ids(it.keyId, it.validatorIdentityId);
  const [first, second] = [given(it.first, "first"), given(it.second, "second")];
  for (const vote of [first, second]) {
    within(vote.voteType, 1, PROPOSAL, "a type of vote");
    const proposes = vote.voteType === PROPOSAL;
    const isWhole = vote.blockId.length > 0 || !proposes;
    ensure(isWhole && (proposes || vote.polRound === undefined), "a proposal is of a block");
    idIfGiven(vote.blockId);
    ensure(vote.signature.length === SIGNATURE_BYTES, "a signature has 64 bytes");
  }
  const isOneRound =
    first.voteType === second.voteType && first.height === second.height && first.round === second.round;
  ensure(isOneRound && !equal(first.blockId, second.blockId), "two votes of one round, for different blocks");
  ensure(compare(first.blockId, second.blockId) < 0, "votes ascend by block; nil first");
}

/** What a case is about has a part in its story. */
function concerned(subject: oversight.CaseSubject | undefined): Place[] {
  const about = subject?.about;
  switch (about?.case) {
    case "version":
      return [dataset(about.value.dataset)];
    case "record":
    case "grant": {
      const { requestId } = about.value;
      return [dataset(about.value.dataset), ...(requestId.length > 0 ? [grant(requestId)] : [])];
    }
    case "integrity":
      return [integrity(about.value.department)];
    case "correction":
    case undefined:
      return [];
  }
}

/** The kinds of this domain. */
export const OVERSIGHT = {
  answerAlert: { check: answerAlert, trails: (it) => [alert(it.department)] },
  openCase: { check: openCase, trails: (it, at) => [caseTrail(made(ID.case, at)), ...concerned(it.subject)] },
  answerCase: { check: answerCase, trails: (it) => [caseTrail(it.caseId)] },
  ruleCase: { check: ruleCase, trails: (it) => [caseTrail(it.caseId)] },
  registerProduct: { check: registerProduct, trails: (it, at) => [product(made(ID.product, at)), ...it.requestIds.map(grant)] },
  reviewProduct: { check: reviewProduct, trails: (it) => [product(it.productId)] },
  releaseProduct: { check: aProduct, trails: (it) => [product(it.productId)] },
  evaluateProduct: { check: evaluateProduct, trails: (it) => [product(it.productId)] },
  recallProduct: { check: recallProduct, trails: (it) => [product(it.productId)] },
  reportDoubleVote: { check: reportDoubleVote, trails: (it) => [governance, department(it.validatorDepartment)] },
} satisfies Rows;
