/**
 * Coverage: whether an access was allowed, by the grant as it stood when the gateway decided. The rule that
 * nodes apply; docs/spec/coverage.md says it in words, in the same order.
 */
import { MAX_U64, equal } from "./bytes.js";
import { minuteOf, weekdayOf } from "./calendar.js";
import { type Parameters, Right } from "./gen/liuhen/v1/consortium_pb.js";
import type { RegisterDataset } from "./gen/liuhen/v1/catalogue_pb.js";
import { type Department, type Grant, GrantKind, GrantState, type GrantUse } from "./gen/liuhen/v1/ledger_pb.js";
import { Assurance, type DatasetAccess, Decision, type Party, type RecordAccess } from "./gen/liuhen/v1/access_pb.js";
import type { DepartmentClass, Quota, Schedule, Terms } from "./gen/liuhen/v1/sharing_pb.js";
import type { AccessVerdict, Outcome, Reason, Timeliness } from "./leaf.js";
import { type Moment, stateAt, termsAt, wasInForce, wasRetired } from "./moment.js";
import { type StateBefore, dayOfUse } from "./replay.js";

/** From this grade on the asker must be verified. */
const VERIFIED_FROM_GRADE = 3;
/** Days of use that are kept with a grant. */
const USE_DAYS = 32;
const MINUTES_A_DAY = 1440;

/** Thrown by the first check that fails. */
class Failed extends Error {
  constructor(
    readonly verdict: AccessVerdict,
    readonly reason: Reason,
  ) {
    super(reason);
  }
}

/** A check that must hold, or the access is uncovered. */
function ensure(holds: boolean, reason: Reason): asserts holds {
  if (!holds) throw new Failed("uncovered", reason);
}

/** Something that must be known, or the access is undetermined. */
function known(holds: boolean, reason: Reason): void {
  if (!holds) throw new Failed("undetermined", reason);
}

/** What a check finds, if it fails. */
function failureOf(check: () => void): Failed | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof Failed) return error;
    throw error;
  }
}

/** What is known of the block by which the gateway decided. */
type Decided =
  /** It named none, or one later than the access. */
  | { is: "unsaid" }
  /** The block's time. */
  | { is: "at"; timeMs: bigint }
  /** The block had left the window of recent ones, whose oldest is of this time. */
  | { is: "older"; timeMs: bigint }
  /** A height that was not yet. */
  | { is: "never" };

/** What the rules make of a record, and which of its accesses decided. */
export function judge(state: StateBefore, record: RecordAccess): { outcome: Outcome; decides: number } {
  return new Judge(state, record).all();
}

class Judge {
  private readonly parameters: Parameters;
  private readonly moment: Moment;
  private readonly decided: Decided;
  /** The first thing left open of the access that is judged. */
  private open: Failed | undefined;

  constructor(
    private readonly state: StateBefore,
    private readonly record: RecordAccess,
  ) {
    this.parameters = state.parameters();
    this.decided = this.findDecided();
    const isByHeight = this.decided.is === "at" && record.decidedHeight !== undefined;
    this.moment = isByHeight ? { height: record.decidedHeight as bigint } : { timeMs: record.accessTimeMs };
  }

  all(): { outcome: Outcome; decides: number } {
    const { record, state } = this;
    const future = since(record.accessTimeMs, state.leaf.timeMs) > this.parameters.futureDriftMs;
    const timeliness = this.timeliness();
    if (record.decision === Decision.DENIED) {
      return { outcome: { verdict: "denied", reason: "none", timeliness, future, namesOthers: false }, decides: 0 };
    }
    // Of what nobody can say where it was, nobody can say that it was allowed.
    let worst: { verdict: AccessVerdict; reason: Reason } =
      record.accesses.length > 0
        ? { verdict: "covered", reason: "none" }
        : { verdict: "undetermined", reason: "dataset_unknown" };
    let decides = 0;
    record.accesses.forEach((access, at) => {
      const found = this.one(access, future);
      if (WEIGHTS[found.verdict] <= WEIGHTS[worst.verdict]) return;
      worst = found;
      decides = at;
    });
    // What a gateway that observes would have denied was not allowed, whatever the ledger finds.
    if ((record.observing?.denied ?? "") !== "") {
      worst = { verdict: "would_be_denied", reason: worst.reason === "none" ? "denied_by_gateway" : worst.reason };
    }
    // What is allowed names no grant but its own.
    return { outcome: { ...worst, timeliness, future, namesOthers: false }, decides };
  }

  private findDecided(): Decided {
    const { decidedHeight: height, accessTimeMs } = this.record;
    if (height === undefined) return { is: "unsaid" };
    if (height >= this.state.leaf.height) return { is: "never" };
    const timeMs = this.state.recentBlock(height);
    if (timeMs === undefined) return { is: "older", timeMs: this.state.oldestRecent() };
    return timeMs <= accessTimeMs ? { is: "at", timeMs } : { is: "unsaid" };
  }

  private timeliness(): Timeliness {
    const age = since(this.state.leaf.timeMs, this.record.accessTimeMs);
    if (this.decided.is === "at" && age <= this.parameters.liveAgeMs) return "live";
    return age <= this.parameters.lateAgeMs ? "late" : "backfill";
  }

  private one(access: DatasetAccess, future: boolean): { verdict: AccessVerdict; reason: Reason } {
    let kind = GrantKind.UNSPECIFIED;
    const failure = failureOf(() => {
      kind = this.check(access);
    });
    if (failure !== undefined) return { verdict: failure.verdict, reason: failure.reason };
    return future ? { verdict: "undetermined", reason: "future_time" } : { verdict: allowed(kind), reason: "none" };
  }

  /** All checks of one dataset of the record; gives the kind of grant that allows it. */
  private check(access: DatasetAccess): GrantKind {
    this.open = undefined;
    const { asker } = this.record;
    ensure(asker !== undefined && asker.identityId.length > 0, "unmapped_account");
    // What nobody could see accuses nobody.
    known(access.requestId.length > 0 || !access.grantUnknown, "grant_unknown");
    ensure(access.requestId.length > 0, "no_grant");
    const grant = this.state.grant(access.requestId);
    ensure(grant !== undefined, "unknown_grant");
    ensure(grant.dataset === access.dataset, "other_dataset");
    const dataset = this.state.dataset(access.dataset);
    if (dataset === undefined) throw new Error("the datasets of a record are known");
    const terms = termsAt(grant, this.moment);
    // Where the record does not say which fields, those that were granted.
    const fields = access.fields.length > 0 ? access.fields : (terms?.fields ?? []);
    const grade = gradeOf(dataset.registration, fields);
    this.who(asker, grant, terms, grade);
    this.aboutOneself(grant, grade);
    this.threeBodies(asker.department, grant);
    ensure(!wasRetired(dataset, this.moment), "dataset_retired");
    stands(stateAt(grant, this.moment));
    this.note(() => this.fresh(grade));
    this.note(() => this.within(access, grant.purpose, terms));
    this.underAll(access, grant);
    if (this.open !== undefined) throw this.open;
    return grant.kind;
  }

  /** Lets a check pass that left something open: it only counts where all that is known holds. */
  private note(check: () => void): void {
    const failure = failureOf(check);
    if (failure === undefined) return;
    if (failure.verdict !== "undetermined") throw failure;
    this.open ??= failure;
  }

  private who(asker: Party, grant: Grant, terms: Terms | undefined, grade: number): void {
    const identity = this.state.identity(asker.identityId);
    const department = this.state.department(asker.department);
    ensure(identity.department === asker.department, "unknown_identity");
    if (grant.class !== undefined) {
      const isOfClass = department.rights.includes(Right.USE) && isInClass(department, grant.class);
      ensure(isOfClass, "not_in_class");
    } else {
      const isNamed = terms?.identityIds.some((id) => equal(id, asker.identityId)) ?? false;
      ensure(isNamed, "identity_not_granted");
    }
    const areInForce = wasInForce(identity.standing, this.moment) && wasInForce(department.standing, this.moment);
    ensure(areInForce, "identity_not_in_force");
    ensure(asker.assurance === Assurance.VERIFIED || grade < VERIFIED_FROM_GRADE, "assurance_too_low");
  }

  /** Who asks about himself does so under a grant for a class; and some of these are for nobody else. */
  private aboutOneself(grant: Grant, grade: number): void {
    const { selfService } = this.record;
    if (selfService === undefined) return ensure(!grant.selfService, "only_self_service");
    ensure(grant.kind === GrantKind.STANDING, "self_service_not_standing");
    ensure(selfService.login === Assurance.VERIFIED || grade < VERIFIED_FROM_GRADE, "assurance_too_low");
  }

  /** No body decides on what it is party to, nor confirms to a class what it operates; after a succession a grant serves on until it was to be reconfirmed. */
  private threeBodies(asker: string, grant: Grant): void {
    const isInternal = grant.kind === GrantKind.INTERNAL;
    const isAskers = grant.class !== undefined || isInternal;
    const user = this.state.department(isAskers ? asker : grant.usingDepartment);
    const collector = this.state.department(grant.collector);
    if (isInternal) return ensure(user.body === collector.body, "other_body");
    const manager = this.state.department(grant.manager);
    if (grant.class !== undefined) ensure(this.operatorBody() !== manager.body, "same_body");
    const bodies = new Set([user.body, collector.body, manager.body]);
    if (bodies.size === 3) return;
    const dues = [user, collector, manager].map((it) => it.reconfirmDueMs);
    const due = dues.reduce((latest, one) => (one > latest ? one : latest), 0n);
    ensure(due > 0n, "same_body");
    ensure(this.record.accessTimeMs < due, "not_reconfirmed");
  }

  /** The body of whoever operates the asker; `undefined` where nobody else does. */
  private operatorBody(): string | undefined {
    const { operatedBy } = this.state.identity(this.record.asker?.identityId ?? new Uint8Array());
    return operatedBy === "" ? undefined : this.state.department(operatedBy).body;
  }

  /** How old the decision was. */
  private fresh(grade: number): void {
    if (this.decided.is === "unsaid") return;
    if (this.decided.is === "never") return known(false, "unknown_height");
    const limit = this.parameters.decisionAgeMs[Math.max(grade - 1, 0)] ?? 0n;
    ensure(since(this.record.accessTimeMs, this.decided.timeMs) <= limit, "decision_too_old");
  }

  /** Whether terms allow the access. */
  private within(access: DatasetAccess, grantsPurpose: string, terms: Terms | undefined): void {
    const { accessTimeMs: time, purpose } = this.record;
    ensure(terms !== undefined && terms.fromMs <= time && time < terms.untilMs, "outside_period");
    ensure(terms.operations.includes(access.operation), "operation_not_granted");
    ensure(terms.schedule === undefined || isInSchedule(terms.schedule, time), "outside_schedule");
    // A standing grant is for any purpose.
    ensure(purpose === "" || grantsPurpose === "" || purpose === grantsPurpose, "other_purpose");
    const isForAll = terms.fields.length === 0;
    ensure(isForAll || access.fields.every((field) => terms.fields.includes(field)), "field_not_granted");
    known(isForAll || access.fields.length > 0, "fields_unknown");
    known(purpose !== "", "purpose_unknown");
  }

  /** The grant's quota; and all that it hangs from must stand, allow the access, and have quota left. */
  private underAll(access: DatasetAccess, lowest: Grant): void {
    let grant = lowest;
    for (;;) {
      const quota = termsAt(grant, this.moment)?.quota;
      // Without a limit nothing depends on the counters.
      if (quota !== undefined && hasLimit(quota)) {
        const used = this.state.used(grant.requestId);
        this.note(() => this.withinQuota(quota, used));
      }
      if (grant.parentId.length === 0) return;
      const parent = this.state.grant(grant.parentId);
      ensure(parent !== undefined && stateAt(parent, this.moment) === GrantState.ACTIVE, "ancestor_ended");
      this.note(() => this.within(access, parent.purpose, termsAt(parent, this.moment)));
      this.threeBodies(parent.usingDepartment, parent);
      grant = parent;
    }
  }

  private withinQuota(quota: Quota, used: GrantUse): void {
    const { rowCount, statementDigest } = this.record;
    // The rest of a statement that is counted adds nothing.
    const isCounted = statementDigest.length > 0 && used.statements.some((it) => equal(it, statementDigest));
    const queries = isCounted ? 0n : 1n;
    const rows = isCounted ? 0n : (rowCount ?? 0n);
    // 0 is no limit. Counters stay at the greatest number.
    const isWithin = (count: bigint, more: bigint, limit: bigint): boolean =>
      limit === 0n || (count + more > MAX_U64 ? MAX_U64 : count + more) <= limit;
    ensure(isWithin(used.queries, queries, quota.queriesTotal), "quota_exceeded");
    ensure(isWithin(used.rows, rows, quota.rowsTotal), "quota_exceeded");
    if (quota.queriesPerDay > 0n || quota.rowsPerDay > 0n) {
      const day = dayOfUse(this.record, this.state.leaf.timeMs);
      known(used.days.length < USE_DAYS || day >= (used.days[0]?.day ?? 0n), "quota_day_unknown");
      const today = used.days.find((it) => it.day === day);
      ensure(isWithin(today?.queries ?? 0n, queries, quota.queriesPerDay), "quota_exceeded");
      ensure(isWithin(today?.rows ?? 0n, rows, quota.rowsPerDay), "quota_exceeded");
    }
    const areRowsLimited = quota.rowsTotal > 0n || quota.rowsPerDay > 0n;
    known(!areRowsLimited || rowCount !== undefined, "rows_unknown");
  }
}

/** Of several datasets the one that wants most attention decides. */
const WEIGHTS: Record<AccessVerdict, number> = {
  none: 0,
  covered: 0,
  internal: 1,
  emergency: 2,
  undetermined: 3,
  uncovered: 4,
  denied: 4,
  would_be_denied: 4,
};

function allowed(kind: GrantKind): AccessVerdict {
  if (kind === GrantKind.EMERGENCY) return "emergency";
  return kind === GrantKind.INTERNAL ? "internal" : "covered";
}

/** How long after an earlier time; 0 if it is not after it. */
function since(timeMs: bigint, earlier: bigint): bigint {
  return timeMs > earlier ? timeMs - earlier : 0n;
}

/** The highest grade of the fields that are meant, all where none is named; never below the dataset's own. */
function gradeOf(dataset: RegisterDataset | undefined, fields: readonly string[]): number {
  if (dataset === undefined) return 4;
  const meant = dataset.fields.filter((field) => fields.length === 0 || fields.includes(field.name));
  return Math.max(dataset.grade, ...meant.map((field) => field.grade));
}

const STATE_REASONS: Record<GrantState, Reason> = {
  [GrantState.UNSPECIFIED]: "not_yet_granted",
  [GrantState.ACTIVE]: "none",
  [GrantState.REVOKED]: "grant_revoked",
  [GrantState.SUSPENDED]: "grant_suspended",
  [GrantState.EXPIRED]: "outside_period",
  [GrantState.EXHAUSTED]: "quota_exceeded",
  [GrantState.ANCESTOR_ENDED]: "ancestor_ended",
  [GrantState.NOT_RATIFIED]: "not_ratified",
};

function stands(state: GrantState): void {
  ensure(state === GrantState.ACTIVE, STATE_REASONS[state] ?? "not_yet_granted");
}

function isInClass(department: Department, { levels, division }: DepartmentClass): boolean {
  return (levels.length === 0 || levels.includes(department.level)) && department.division.startsWith(division);
}

function hasLimit(quota: Quota): boolean {
  return quota.queriesTotal > 0n || quota.rowsTotal > 0n || quota.queriesPerDay > 0n || quota.rowsPerDay > 0n;
}

/** Whether a time lies in the hours of a schedule, which may reach into the day behind. */
function isInSchedule({ fromMinute, untilMinute, weekdays }: Schedule, timeMs: bigint): boolean {
  const minute = minuteOf(timeMs);
  const weekday = weekdayOf(timeMs);
  const isIn = (at: number): boolean => fromMinute <= at && at < untilMinute;
  const isOn = (day: number): boolean => weekdays === 0 || (weekdays & (1 << day)) !== 0;
  return (isIn(minute) && isOn(weekday)) || (isIn(minute + MINUTES_A_DAY) && isOn((weekday + 6) % 7));
}

/** Whether a verdict says that an access was allowed. */
export function allows(verdict: AccessVerdict): boolean {
  return verdict === "covered" || verdict === "internal" || verdict === "emergency";
}
