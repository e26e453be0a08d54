/**
 * Which trails an event is in: a pure function of its transaction's header and its item, or of the ledger
 * event. docs/spec/encoding.md, "Trails of an event" and "Events that the rules make".
 */
import { concat, u64, utf8 } from "./bytes.js";
import type { LedgerEvent } from "./gen/liuhen/v1/event_pb.js";
import type { Propose } from "./gen/liuhen/v1/governance_pb.js";
import type { CaseSubject } from "./gen/liuhen/v1/oversight_pb.js";
import type { TrailRead } from "./gen/liuhen/v1/reading_pb.js";
import type { RecordAccess } from "./gen/liuhen/v1/record_pb.js";
import type { Item, TransactionHeader } from "./gen/liuhen/v1/transaction_pb.js";
import { type Place, TRAIL } from "./places.js";
import { ID, madeId } from "./transactions.js";

const byCode =
  (kind: number) =>
  (code: string): Place => ({ kind, id: utf8(code) });
const byId =
  (kind: number) =>
  (id: Uint8Array): Place => ({ kind, id });

const department = byCode(TRAIL.department);
const dataset = byCode(TRAIL.dataset);
const integrity = byCode(TRAIL.integrity);
const sealed = byCode(TRAIL.sealed);
const unlisted = byCode(TRAIL.unlisted);
const alert = byCode(TRAIL.alert);
const identity = byId(TRAIL.identity);
const grant = byId(TRAIL.grant);
const use = byId(TRAIL.use);
const caseTrail = byId(TRAIL.case);
const identityIntegrity = byId(TRAIL.identityIntegrity);
const acknowledgements = byId(TRAIL.acknowledgements);
const gateway = byId(TRAIL.gateway);
const product = byId(TRAIL.product);
const governance: Place = { kind: TRAIL.governance, id: new Uint8Array(0) };

/** Trail 7: a subject of a collector. */
export function subjectTrail(collector: string, tag: Uint8Array): Place {
  return { kind: TRAIL.subject, id: concat(utf8(collector), tag) };
}

/** Trail 15: records of a collector that may concern anybody. */
export const unlistedTrail = unlisted;

/** The trails of item `number` of a transaction; some may be there twice. */
export function trailsOfItem(header: TransactionHeader, number: number, item: Item): Place[] {
  return [{ kind: TRAIL.key, id: header.keyId }, ...ofKind(header, number, item.kind)];
}

function ofKind(header: TransactionHeader, number: number, kind: Item["kind"]): Place[] {
  const made = (of: number): Uint8Array => madeId(of, header, number);
  const own = gateway(header.identityId);
  switch (kind.case) {
    case undefined:
    case "agreeCorrection":
      return [];
    case "registerDataset":
    case "updateDataset":
    case "retireDataset":
    case "publishVersion":
      return [dataset(kind.value.dataset)];
    case "requestAccess":
    case "offerStanding":
    case "openEmergency":
    case "givePermit":
      return [dataset(kind.value.dataset), grant(made(ID.request))];
    case "delegateGrant":
      return [dataset(kind.value.dataset), grant(made(ID.request)), grant(kind.value.requestId)];
    case "decideRequest":
    case "askSupplement":
    case "supplementRequest":
    case "approveException":
    case "confirmGrant":
    case "revokeGrant":
    case "amendGrant":
    case "suspendGrant":
    case "resumeGrant":
    case "reconfirmGrant":
    case "ratifyEmergency":
      return [dataset(kind.value.dataset), grant(kind.value.requestId)];
    case "recordAccess":
      return [own, ...touched(kind.value)];
    case "manualHandover":
      return [own, ...touched(kind.value.record)];
    case "openSealed":
      return [sealed(kind.value.authority), gateway(kind.value.gatewayId), ...touched(kind.value.record)];
    case "recordSealed":
      return [sealed(kind.value.authority), own];
    case "orderSealing":
    case "extendSealing":
      return [sealed(kind.value.authority)];
    case "sealPeriod":
    case "unrecordable":
      return [own];
    case "setGateway":
      return [gateway(kind.value.gatewayId), ...kind.value.datasets.map(dataset)];
    case "commitMapping":
    case "declareLoss":
    case "declareOutage":
      return [gateway(kind.value.gatewayId)];
    case "addBulkTags":
      return [own, { kind: TRAIL.bulkTags, id: concat(header.identityId, u64(kind.value.accessNo)) }];
    case "correctRecords": {
      const accesses = kind.value.records.flatMap((record) => record.accesses);
      return [gateway(kind.value.gatewayId), ...accesses.map((one) => dataset(one.dataset))];
    }
    case "acknowledge":
    case "acknowledgeHour":
      return [acknowledgements(kind.value.requestId)];
    case "answerAlert":
      return [alert(kind.value.department)];
    case "openCase":
      return [caseTrail(made(ID.case)), ...concerned(kind.value.subject)];
    case "answerCase":
    case "ruleCase":
      return [caseTrail(kind.value.caseId)];
    case "registerProduct":
      return [product(made(ID.product)), ...kind.value.requestIds.map(grant)];
    case "reviewProduct":
    case "releaseProduct":
    case "evaluateProduct":
    case "recallProduct":
      return [product(kind.value.productId)];
    case "reportDoubleVote":
      return [governance, department(kind.value.validatorDepartment)];
    case "propose":
      return [governance, ...membersOf(kind.value)];
    case "vote":
      return [governance];
    default:
      return ofMember(kind, made(ID.identity));
  }
}

/** Of items on departments and identities, and on reading. `registered`: the identity that the item makes. */
function ofMember(kind: Item["kind"], registered: Uint8Array): Place[] {
  switch (kind.case) {
    case "admitDepartment": {
      const admitted = kind.value.department?.code ?? "";
      return [department(kind.value.manager), department(admitted), identity(registered)];
    }
    case "changeDepartment":
      return [department(kind.value.department), department(kind.value.manager)];
    case "succeedDepartment": {
      const { succession } = kind.value;
      return succession === undefined ? [] : [department(succession.from), department(succession.to)];
    }
    case "replaceRoot":
      return [department(kind.value.department), department(kind.value.parent)];
    case "objectToRoot":
    case "openAudit":
    case "closeAudit":
      return [department(kind.value.department)];
    case "registerIdentity":
      return [department(kind.value.department), identity(registered)];
    case "rotateKeys":
    case "changeIdentity":
    case "assignPost":
      return [department(kind.value.department), identity(kind.value.identityId)];
    case "recordReads":
      return [...readers(kind.value.reads), ...kind.value.sealed.map((it) => department(it.department))];
    case "openReads":
      return readers(kind.value.reads);
    default:
      throw new Error(`no trails are known of ${kind.case}`);
  }
}

/** Which datasets a record touched, under which grants, and whose data it was. */
function touched(record: RecordAccess | undefined): Place[] {
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

/** What a case is about has a part in its story. */
function concerned(subject: CaseSubject | undefined): Place[] {
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
    default:
      return [];
  }
}

/** The members that a proposal is about. */
function membersOf({ change }: Propose): Place[] {
  switch (change.case) {
    case "admitVoter":
      return [department(change.value.member || (change.value.department?.code ?? ""))];
    case "changeMember":
    case "setRights":
    case "setRoot":
      return [department(change.value.department)];
    case "succeed":
      return [department(change.value.from), department(change.value.to)];
    default:
      return [];
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

/** The trails of a ledger event; some may be there twice. */
export function trailsOfLedgerEvent({ kind }: LedgerEvent): Place[] {
  switch (kind.case) {
    case undefined:
      return [];
    case "deadlineMissed":
    case "grantEnded":
    case "emergencyNotRatified":
    case "collectorTold":
      return [dataset(kind.value.dataset), grant(kind.value.requestId)];
    case "departmentChanged":
    case "memberChanged":
      return [department(kind.value.department)];
    case "rootReplaced":
      return [
        department(kind.value.department),
        ...ifGiven(identity, kind.value.oldRootId),
        ...ifGiven(identity, kind.value.newRootId),
      ];
    case "departmentSucceeded":
      return [department(kind.value.from), department(kind.value.to)];
    case "proposalEnded":
    case "calendarMissing":
      return [governance];
    case "integrityRaised": {
      const { dataset: code, department: fault, identityId, requestId } = kind.value;
      const chains = [integrity(fault), ...ifGiven(identityIntegrity, identityId)];
      return [...chains, ...(code === "" ? [] : [dataset(code)]), ...ifGiven(grant, requestId)];
    }
    case "integritySettled":
      return [integrity(kind.value.department), ...ifGiven(identityIntegrity, kind.value.identityId)];
    case "alertRaised":
      return [alert(kind.value.department)];
    case "recordsCorrected":
      return [...ifGiven(identity, kind.value.fromIdentityId), ...ifGiven(identity, kind.value.toIdentityId)];
    case "recordCorrected": {
      const { collector, gatewayId, requestIds, tags } = kind.value;
      return [gateway(gatewayId), ...requestIds.map(use), ...tags.map((tag) => subjectTrail(collector, tag))];
    }
    case "productMarked":
      return [product(kind.value.productId), grant(kind.value.requestId)];
  }
}

function ifGiven(trail: (id: Uint8Array) => Place, id: Uint8Array): Place[] {
  return id.length > 0 ? [trail(id)] : [];
}
