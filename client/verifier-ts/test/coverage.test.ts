/** Coverage, check by check, in the order of docs/spec/coverage.md. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ParametersSchema, Right } from "../src/gen/liuhen/v1/consortium_pb.js";
import {
  type Dataset,
  DatasetSchema,
  type Department,
  DepartmentSchema,
  type Grant,
  GrantKind,
  GrantSchema,
  GrantState,
  type GrantUse,
  GrantUseSchema,
  type Identity,
  IdentitySchema,
  LeaseSchema,
} from "../src/gen/liuhen/v1/ledger_pb.js";
import {
  Assurance,
  Decision,
  ObservingSchema,
  type RecordAccess,
  RecordAccessSchema,
  SelfServiceSchema,
} from "../src/gen/liuhen/v1/access_pb.js";
import { Operation, TermsSchema } from "../src/gen/liuhen/v1/sharing_pb.js";
import { judge } from "../src/coverage.js";
import { type StateBefore, atMost } from "../src/replay.js";

const id = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const HOUR = 3_600_000n;
/** Monday 2026-11-23, 10:00 local time. */
const ACCESS = 1_795_399_200_000n;
const always = [{}];

/** What the rules read, before a record in block 20 at a minute after the access. */
interface World {
  record: RecordAccess;
  grants: Map<number, Grant>;
  used: GrantUse;
  dataset: Dataset;
  identity: Identity;
  departments: Map<string, Department>;
  /** Times of recent blocks, by height; the window's oldest where one is not there. */
  blocks: Map<bigint, bigint>;
  oldest: bigint;
}

function termsOf() {
  const period = { fromMs: ACCESS - HOUR, untilMs: ACCESS + HOUR };
  const quota = { queriesTotal: 10n, rowsTotal: 100n, queriesPerDay: 5n, rowsPerDay: 50n };
  return create(TermsSchema, {
    fields: ["name"],
    operations: [Operation.READ],
    identityIds: [id(5)],
    ...period,
    quota,
  });
}

function grantOf(request: number, parent = 0): Grant {
  const parts = {
    requestId: id(request),
    dataset: "data",
    usingDepartment: "user",
    collector: "collector",
    manager: "manager",
    purpose: "pension",
  };
  const steps = [{ height: 3n, timeMs: ACCESS - HOUR, state: GrantState.ACTIVE }];
  return create(GrantSchema, { ...parts, terms: termsOf(), steps, ...(parent > 0 && { parentId: id(parent) }) });
}

function world(): World {
  const asker = { department: "user", identityId: id(5), assurance: Assurance.VERIFIED };
  const access = { dataset: "data", operation: Operation.READ, requestId: id(1), fields: ["name"] };
  const parts = {
    collector: "collector",
    accessNo: 1n,
    decision: Decision.SERVED,
    purpose: "pension",
    rowCount: 10n,
    decidedHeight: 19n,
  };
  const department = (code: string): [string, Department] => [
    code,
    create(DepartmentSchema, {
      code,
      body: `body-${code}`,
      rights: [Right.USE],
      level: 3,
      division: "5201",
      standing: always,
    }),
  ];
  return {
    record: create(RecordAccessSchema, { ...parts, asker, accesses: [access], accessTimeMs: ACCESS }),
    grants: new Map([[1, grantOf(1)]]),
    used: create(GrantUseSchema, { queries: 4n, rows: 40n, days: [{ day: dayOf(ACCESS), queries: 4n, rows: 40n }] }),
    dataset: create(DatasetSchema, {
      registration: {
        dataset: "data",
        collector: "collector",
        grade: 3,
        fields: [
          { name: "name", grade: 3 },
          { name: "number", grade: 4 },
        ],
      },
    }),
    identity: create(IdentitySchema, { identityId: id(5), department: "user", standing: always }),
    departments: new Map(["user", "collector", "manager", "above"].map(department)),
    blocks: new Map([[19n, ACCESS - 1000n]]),
    oldest: ACCESS - HOUR,
  };
}

function dayOf(timeMs: bigint): bigint {
  return (timeMs + 8n * HOUR) / (24n * HOUR);
}

const PARAMETERS = create(ParametersSchema, {
  decisionAgeMs: [1n, 1n, 60_000n, 1n].map((n) => n),
  liveAgeMs: 120_000n,
  lateAgeMs: HOUR,
  futureDriftMs: 5000n,
});

/** Verdict, reason where there is one, and timeliness. */
function judged(bend: (it: World) => void, blockTime = ACCESS + 60_000n): string {
  const it = world();
  bend(it);
  const state = {
    leaf: { height: 20n, timeMs: blockTime },
    parameters: () => PARAMETERS,
    department: (code: string) => it.departments.get(code),
    identity: () => it.identity,
    dataset: () => it.dataset,
    grant: (request: Uint8Array) => it.grants.get(request[0] ?? 0),
    used: () => it.used,
    recentBlock: (height: bigint) => it.blocks.get(height),
    oldestRecent: () => it.oldest,
  };
  const { outcome } = judge(state as unknown as StateBefore, it.record);
  return [outcome.verdict, outcome.reason, outcome.timeliness, outcome.future ? "future" : ""]
    .filter((part) => part !== "none" && part !== "")
    .join(" ");
}

const grant = (it: World): Grant => it.grants.get(1) as Grant;
const access = (it: World) => it.record.accesses[0]!;
const department = (it: World, code: string): Department => it.departments.get(code) as Department;
const step = (it: World, state: GrantState): unknown =>
  grant(it).steps.push({ ...grant(it).steps[0]!, height: 5n, state });

const observing = (it: World, denied: string): unknown => (it.record.observing = create(ObservingSchema, { denied }));

const aboutOneself = (it: World, login: Assurance): unknown =>
  (it.record.selfService = create(SelfServiceSchema, { login }));

const noRows = (it: World): unknown => Object.assign(grant(it).terms!.quota!, { rowsTotal: 0n, rowsPerDay: 0n });
/** A statement that is counted, as the last that the quota allows. */
const goesOn = (it: World): unknown => {
  it.record.statementDigest = id(7);
  const day = { ...it.used.days[0]!, queries: 5n, rows: 50n };
  return Object.assign(it.used, { queries: 10n, rows: 100n, days: [day], statements: [id(6), id(7)] });
};

const CASES: [string, (it: World) => void][] = [
  ["covered live", () => {}],
  ["covered late", (it) => delete it.record.decidedHeight],
  ["covered late", (it) => it.blocks.set(19n, ACCESS + 1n)],
  ["would_be_denied denied_by_gateway live", (it) => observing(it, "gate.no_route")],
  ["would_be_denied no_grant live", (it) => observing(it, "no_grant") && (access(it).requestId = new Uint8Array())],
  ["would_be_denied dataset_unknown live", (it) => observing(it, "x") && (it.record.accesses = [])],
  ["covered live", (it) => observing(it, "")],
  ["denied live", (it) => (it.record.decision = Decision.DENIED)],
  ["uncovered unmapped_account live", (it) => (it.record.asker!.identityId = new Uint8Array(0))],
  ["uncovered no_grant live", (it) => (access(it).requestId = new Uint8Array(0))],
  ["uncovered unknown_grant live", (it) => it.grants.clear()],
  ["uncovered other_dataset live", (it) => (grant(it).dataset = "other")],
  ["uncovered unknown_identity live", (it) => (it.identity.department = "other")],
  ["uncovered identity_not_granted live", (it) => (grant(it).terms!.identityIds = [id(6)])],
  ["uncovered identity_not_in_force live", (it) => (it.identity.standing[0]!.untilHeight = 20n)],
  ["covered live", (it) => (it.identity.standing[0]!.untilHeight = 21n)],
  ["uncovered assurance_too_low live", (it) => (it.record.asker!.assurance = Assurance.CLAIMED)],
  ["uncovered same_body live", (it) => (department(it, "manager").body = "body-user")],
  [
    "uncovered not_reconfirmed live",
    (it) => Object.assign(department(it, "manager"), { body: "body-user", reconfirmDueMs: ACCESS }),
  ],
  [
    "covered live",
    (it) => Object.assign(department(it, "manager"), { body: "body-user", reconfirmDueMs: ACCESS + 1n }),
  ],
  ["uncovered other_body live", (it) => (grant(it).kind = GrantKind.INTERNAL)],
  ["uncovered dataset_retired live", (it) => (it.dataset.retiredHeight = 19n)],
  ["covered live", (it) => (it.dataset.retiredHeight = 20n)],
  ["uncovered not_yet_granted live", (it) => (grant(it).steps[0]!.height = 20n)],
  ["uncovered grant_revoked live", (it) => step(it, GrantState.REVOKED)],
  ["uncovered grant_suspended live", (it) => step(it, GrantState.SUSPENDED)],
  ["uncovered outside_period live", (it) => step(it, GrantState.EXPIRED)],
  ["uncovered quota_exceeded live", (it) => step(it, GrantState.EXHAUSTED)],
  ["uncovered ancestor_ended live", (it) => step(it, GrantState.ANCESTOR_ENDED)],
  ["uncovered not_ratified live", (it) => step(it, GrantState.NOT_RATIFIED)],
  ["undetermined unknown_height late", (it) => (it.record.decidedHeight = 20n)],
  ["uncovered decision_too_old live", (it) => it.blocks.set(19n, ACCESS - 60_001n)],
  ["uncovered decision_too_old late", (it) => (it.record.decidedHeight = 2n)],
  ["covered late", (it) => Object.assign(it, { oldest: ACCESS }).blocks.clear()],
  ["uncovered outside_period live", (it) => (grant(it).terms!.untilMs = ACCESS)],
  ["uncovered operation_not_granted live", (it) => (access(it).operation = Operation.EXPORT)],
  ["uncovered other_purpose live", (it) => (it.record.purpose = "other")],
  ["undetermined purpose_unknown live", (it) => (it.record.purpose = "")],
  ["covered live", (it) => (grant(it).purpose = "")],
  ["uncovered field_not_granted live", (it) => (access(it).fields = ["name", "phone"])],
  ["undetermined fields_unknown live", (it) => (access(it).fields = [])],
  ["covered live", (it) => (it.used.queries = 9n)],
  ["uncovered quota_exceeded live", (it) => (it.used.queries = 10n)],
  ["uncovered quota_exceeded live", (it) => (it.used.rows = 91n)],
  ["uncovered quota_exceeded live", (it) => (it.used.days[0]!.queries = 5n)],
  ["uncovered quota_exceeded live", (it) => (it.used.days[0]!.rows = 41n)],
  [
    "undetermined quota_day_unknown live",
    (it) =>
      (it.used.days = Array.from({ length: 32 }, (_, at) => ({
        ...it.used.days[0]!,
        day: dayOf(ACCESS) + 1n + BigInt(at),
      }))),
  ],
  ["covered live", (it) => Object.assign(it.record, { rowCount: undefined }) && noRows(it)],
  ["undetermined rows_unknown live", (it) => (it.record.rowCount = undefined)],
  [
    "undetermined rows_unknown live",
    (it) => Object.assign(it.record, { rowCount: undefined }) && (grant(it).terms!.quota!.rowsPerDay = 0n),
  ],
  [
    "undetermined rows_unknown live",
    (it) => Object.assign(it.record, { rowCount: undefined }) && (grant(it).terms!.quota!.rowsTotal = 0n),
  ],
  ["uncovered quota_exceeded live", (it) => Object.assign(it.record, { rowCount: undefined }) && (it.used.queries = 10n)],
  ["covered live", (it) => goesOn(it)],
  ["undetermined rows_unknown live", (it) => goesOn(it) && (it.record.rowCount = undefined)],
  ["uncovered quota_exceeded live", (it) => goesOn(it) && (it.record.statementDigest = id(8))],
  ["uncovered quota_exceeded live", (it) => goesOn(it) && (it.used.queries = 11n)],
  ["undetermined dataset_unknown live", (it) => (it.record.accesses = [])],
  ["undetermined dataset_unknown late", (it) => Object.assign(it.record, { accesses: [], decidedHeight: undefined })],
  ["denied live", (it) => Object.assign(it.record, { accesses: [], decision: Decision.DENIED })],
  // What is left open hides nothing that is known.
  ["uncovered quota_exceeded live", (it) => Object.assign(it.record, { purpose: "" }) && (it.used.queries = 10n)],
  ["uncovered self_service_not_standing live", (it) => aboutOneself(it, Assurance.VERIFIED)],
  ["uncovered only_self_service live", (it) => (grant(it).selfService = true)],
  ["emergency live", (it) => (grant(it).kind = GrantKind.EMERGENCY)],
  [
    "internal live",
    (it) => Object.assign(grant(it), { kind: GrantKind.INTERNAL }) && (department(it, "collector").body = "body-user"),
  ],
];

CASES.forEach(([expected, bend], at) => {
  test(`case ${at}: ${expected}`, () => assert.equal(judged(bend), expected));
});

test("a standing grant is for a class", () => {
  const standing = (bend: (it: World) => void): string =>
    judged((it) => {
      Object.assign(grant(it), {
        class: { $typeName: "liuhen.v1.DepartmentClass", levels: [3], division: "52" },
        usingDepartment: "",
        kind: GrantKind.STANDING,
      });
      bend(it);
    });
  assert.equal(
    standing(() => {}),
    "covered live",
  );
  assert.equal(
    standing((it) => (department(it, "user").rights = [])),
    "uncovered not_in_class live",
  );
  assert.equal(
    standing((it) => (department(it, "user").level = 4)),
    "uncovered not_in_class live",
  );
  assert.equal(
    standing((it) => (department(it, "user").division = "53")),
    "uncovered not_in_class live",
  );
  // Who confirmed it operates the asker; another does.
  assert.equal(
    standing((it) => (it.identity.operatedBy = "manager")),
    "uncovered same_body live",
  );
  assert.equal(
    standing((it) => (it.identity.operatedBy = "above")),
    "covered live",
  );
  const ownService = (login: Assurance): string =>
    standing((it) => aboutOneself(it, login) && (grant(it).selfService = true));
  assert.equal(ownService(Assurance.VERIFIED), "covered live");
  assert.equal(ownService(Assurance.CLAIMED), "uncovered assurance_too_low live");
  assert.equal(
    standing((it) => aboutOneself(it, Assurance.VERIFIED)),
    "covered live",
  );
});

test("what others may have set aside then is taken for used", () => {
  const lease = create(LeaseSchema, { gatewayId: id(9), requestId: id(1), queries: 1n, rows: 1n, untilMs: ACCESS });
  const { used } = world();
  const day = { ...used.days[0]!, mostQueries: 5n, mostRows: 1n };
  const found = atMost({ ...used, mostQueries: 7n, leases: [lease], days: [day] });
  assert.deepEqual([found.queries, found.rows, found.leases], [7n, 40n, []]);
  assert.deepEqual([found.days[0]?.queries, found.days[0]?.rows], [5n, 40n]);
});

test("what a grant hangs from must hold too", () => {
  const delegated = (bend: (above: Grant, it: World) => void): string =>
    judged((it) => {
      it.grants.set(1, grantOf(1, 2));
      const above = Object.assign(grantOf(2), { usingDepartment: "above" });
      it.grants.set(2, above);
      bend(above, it);
    });
  assert.equal(
    delegated(() => {}),
    "covered live",
  );
  assert.equal(
    delegated((above) => (above.steps[0]!.state = GrantState.SUSPENDED)),
    "uncovered ancestor_ended live",
  );
  assert.equal(
    delegated((above) => (above.terms!.operations = [Operation.EXPORT])),
    "uncovered operation_not_granted live",
  );
  assert.equal(
    delegated((_, it) => (department(it, "above").body = "body-manager")),
    "uncovered same_body live",
  );
  assert.equal(
    delegated((_, it) => it.grants.delete(2)),
    "uncovered ancestor_ended live",
  );
});

test("hours of the day, which may reach into the day behind", () => {
  const [monday, sunday] = [1, 64];
  const at = (fromMinute: number, untilMinute: number, weekdays: number): string =>
    judged((it) => {
      grant(it).terms!.schedule = { $typeName: "liuhen.v1.Schedule", fromMinute, untilMinute, weekdays };
    });
  assert.equal(at(600, 601, monday), "covered live");
  assert.equal(at(601, 700, monday), "uncovered outside_schedule live");
  assert.equal(at(540, 600, monday), "uncovered outside_schedule live");
  assert.equal(at(600, 601, 0), "covered live");
  assert.equal(at(600, 601, sunday), "uncovered outside_schedule live");
  assert.equal(at(1200, 2041, sunday), "covered live");
  assert.equal(at(1200, 2041, monday), "uncovered outside_schedule live");
});

test("of several datasets the worst decides, and a time in the future is flagged", () => {
  const two = (it: World): unknown =>
    it.record.accesses.push({ ...access(it), dataset: "data", requestId: new Uint8Array(0) });
  assert.equal(judged(two), "uncovered no_grant live");
  assert.equal(
    judged(() => {}, ACCESS - 5000n),
    "covered live",
  );
  assert.equal(
    judged(() => {}, ACCESS - 5001n),
    "undetermined future_time live future",
  );
  assert.equal(
    judged(() => {}, ACCESS + 120_001n),
    "covered late",
  );
  assert.equal(
    judged(() => {}, ACCESS + HOUR + 1n),
    "covered backfill",
  );
});
