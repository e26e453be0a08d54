/** On which trails an event of every kind is, written out as docs/spec/encoding.md has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { u64 } from "../src/bytes.js";
import { type LedgerEvent, LedgerEventSchema } from "../src/gen/liuhen/v1/event_pb.js";
import { TransactionHeaderSchema } from "../src/gen/liuhen/v1/transaction_pb.js";
import { hash } from "../src/hash.js";
import type { Place } from "../src/places.js";
import { trailsOfItem } from "../src/items/item.js";
import { trailsOfLedgerEvent } from "../src/trails.js";
import { ITEM_KINDS, bytesOf, fill, goodItem, nameOfBytes } from "./support/items.js";

const header = create(TransactionHeaderSchema, { keyId: bytesOf("signer"), identityId: bytesOf("own"), seq: 7n });
/** The ids that item 2 of this transaction makes. */
const MADE = new Map([1, 2, 3, 4, 5].map((kind) => [kind, hash("id", Uint8Array.of(kind), header.keyId, u64(9n))]));

function told({ kind, id }: Place): string {
  const made = [...MADE].find(([, it]) => Buffer.from(it).equals(id));
  if (made !== undefined) return `${kind} made ${made[0]}`;
  // A subject's id: a code and a tag. A bulk set's: a gateway and a number.
  if (kind === 7) return `7 ${nameOfBytes(id.slice(0, -32))} ${nameOfBytes(id.slice(-32))}`;
  if (kind === 18) return `18 ${nameOfBytes(id.slice(0, 32))} ${id.at(-1)}`;
  return `${kind} ${nameOfBytes(id)}`.trimEnd();
}

/** Besides trail 1 of the key. Several kinds that are alike share a line. */
const STORY = "4 dataset, 5 request_id";
const OF_ITEMS: Record<string, string> = {
  registerDataset: "4 dataset",
  updateDataset: "4 dataset",
  retireDataset: "4 dataset",
  publishVersion: "4 dataset",
  stateList: "2 department",
  requestAccess: "4 dataset, 5 made 1",
  offerStanding: "4 dataset, 5 made 1",
  openEmergency: "4 dataset, 5 made 1",
  givePermit: "4 dataset, 5 made 1",
  delegateGrant: "4 dataset, 5 made 1, 5 request_id",
  decideRequest: STORY,
  askSupplement: STORY,
  supplementRequest: STORY,
  approveException: STORY,
  confirmGrant: STORY,
  revokeGrant: STORY,
  amendGrant: STORY,
  suspendGrant: STORY,
  resumeGrant: STORY,
  reconfirmGrant: STORY,
  ratifyEmergency: STORY,
  recordAccess: "13 own, 4 dataset, 6 request_id, 7 collector tags",
  manualHandover: "13 own, 4 dataset, 6 request_id, 7 collector tags",
  openSealed: "13 gateway_id, 14 authority, 4 dataset, 6 request_id, 7 collector tags",
  recordSealed: "13 own, 14 authority",
  orderSealing: "14 authority",
  extendSealing: "14 authority",
  sealPeriod: "13 own",
  unrecordable: "13 own",
  addBulkTags: "13 own, 18 own 1",
  setGateway: "13 gateway_id, 4 datasets",
  setObserving: "13 gateway_id, 4 datasets",
  leaseUse: "13 own, 6 request_id",
  commitMapping: "13 gateway_id",
  declareLoss: "13 gateway_id",
  declareOutage: "13 gateway_id",
  correctRecords: "13 gateway_id, 4 dataset",
  agreeCorrection: "",
  acknowledge: "12 request_id",
  acknowledgeHour: "12 request_id",
  answerAlert: "16 department",
  openCase: "4 dataset, 8 made 4",
  answerCase: "8 case_id",
  ruleCase: "8 case_id",
  registerProduct: "17 made 5, 5 request_ids",
  reviewProduct: "17 product_id",
  releaseProduct: "17 product_id",
  evaluateProduct: "17 product_id",
  recallProduct: "17 product_id",
  reportDoubleVote: "10, 2 validator-department",
  admitDepartment: "2 code, 2 manager, 3 made 2",
  changeDepartment: "2 department, 2 manager",
  succeedDepartment: "2 from, 2 to",
  replaceRoot: "2 department, 2 parent",
  objectToRoot: "2 department",
  openAudit: "2 department",
  closeAudit: "2 department",
  registerIdentity: "2 department, 3 made 2",
  rotateKeys: "2 department, 3 identity_id",
  changeIdentity: "2 department, 3 identity_id",
  assignPost: "2 department, 3 identity_id",
  propose: "10, 2 code",
  vote: "10",
  // What was read is a key's trail: who reads it is not on it.
  recordReads: "2 department, 3 identity_id",
  openReads: "3 identity_id",
};

test("trails of every kind of item", () => {
  for (const kind of ITEM_KINDS) {
    const trails = trailsOfItem(header, 2, goodItem(kind)).map(told);
    assert.equal(trails.shift(), "1 signer", kind);
    assert.deepEqual([...new Set(trails)].sort().join(", "), OF_ITEMS[kind], kind);
  }
});

test("a read is on the trail that was read, but for those whose numbers count", () => {
  for (let kind = 1; kind <= 18; kind++) {
    const item = goodItem("openReads");
    if (item.kind.case !== "openReads") throw new Error("another item");
    for (const { read } of item.kind.value.reads) {
      if (read === undefined) throw new Error("no read");
      read.trailKind = kind;
      read.list = "";
    }
    const isOn = trailsOfItem(header, 2, item).some((it) => it.kind === kind && nameOfBytes(it.id) === "trail_id");
    assert.equal(isOn, ![1, 6, 13].includes(kind), `${kind}`);
  }
});

test("bulk sets and whole versions are on trail 15 of the collector", () => {
  for (const whole of [true, false]) {
    const item = goodItem("recordAccess");
    if (item.kind.case !== "recordAccess" || item.kind.value.subjects === undefined) throw new Error("another item");
    item.kind.value.subjects.whole = whole;
    assert.equal(trailsOfItem(header, 2, item).map(told).includes("15 collector"), whole);
  }
});

const OF_LEDGER_EVENTS: Record<string, string> = {
  deadlineMissed: STORY,
  grantEnded: STORY,
  emergencyNotRatified: STORY,
  collectorTold: STORY,
  departmentChanged: "2 department",
  memberChanged: "2 department",
  rootReplaced: "2 department, 3 new_root_id, 3 old_root_id",
  departmentSucceeded: "2 from, 2 to",
  proposalEnded: "10",
  calendarMissing: "10",
  integrityRaised: "11 identity_id, 4 dataset, 5 request_id, 9 department",
  integritySettled: "11 identity_id, 9 department",
  alertRaised: "16 department",
  recordsCorrected: "3 from_identity_id, 3 to_identity_id",
  recordCorrected: "13 gateway_id, 6 request_ids, 7 collector tags",
  productMarked: "17 product_id, 5 request_id",
};

test("trails of every kind of ledger event", () => {
  for (const field of LedgerEventSchema.fields) {
    if (field.oneof === undefined || field.message === undefined) continue;
    const kind = { case: field.localName, value: fill(field.message) };
    const event = create(LedgerEventSchema, { kind } as unknown as LedgerEvent);
    const trails = trailsOfLedgerEvent(event).map(told).sort().join(", ");
    assert.equal(trails, OF_LEDGER_EVENTS[field.localName], field.localName);
  }
});
