/** What fields of items must be: a good item of every kind, and each of its fields bent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescField, type DescMessage, type Message, ScalarType, create } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BulkSubjectsSchema, Channel, SubjectsSchema } from "../src/gen/liuhen/v1/access_pb.js";
import { ItemSchema } from "../src/gen/liuhen/v1/transaction_pb.js";
import { BadItem } from "../src/items/fields.js";
import { parseItem } from "../src/items/item.js";
import { ITEM_KINDS, bytesOfItem, goodItem } from "./support/items.js";

/** Texts that are no codes. */
const TITLES = ["title_zh", "title_en", "name_zh", "name_en"];

/** The value that a field of this type can't have, whatever the item. */
function badOf(field: DescField): unknown {
  if (field.enum !== undefined) return 99;
  if (field.scalar === ScalarType.STRING) return TITLES.includes(field.name) ? "a\nb" : "no code";
  if (field.scalar === ScalarType.BYTES) return new Uint8Array(31).fill(7);
  return undefined;
}

/** Every way to bend one field of a message or of those within, as a list of changes to a fresh copy. */
function bends(schema: DescMessage, path: string): [string, (it: ReflectMessage) => void][] {
  return schema.fields.flatMap((field): [string, (it: ReflectMessage) => void][] => {
    const name = `${path}.${field.name}`;
    // Proposed parameters and calendars are judged by the ledger.
    if (["parameters", "set_calendar"].includes(field.name)) return [];
    if (field.message !== undefined) {
      const inner = bends(field.message, name);
      return inner.map(([what, bend]) => [what, (it) => bendWithin(it, field, bend)]);
    }
    const bad = badOf(field);
    if (bad === undefined) return [];
    return [[name, (it) => setBad(it, field, bad)]];
  });
}

/** Thrown where a message lacks the part that was to be bent. */
class NotThere extends Error {}

function bendWithin(it: ReflectMessage, field: DescField, bend: (it: ReflectMessage) => void): void {
  if (!it.isSet(field)) throw new NotThere();
  if (field.fieldKind === "list") bend(it.get(field).get(0) as ReflectMessage);
  else bend(it.get(field) as unknown as ReflectMessage);
}

function setBad(it: ReflectMessage, field: DescField, bad: unknown): void {
  if (field.fieldKind !== "list") return it.set(field, bad as never);
  if (!it.isSet(field)) throw new NotThere();
  it.get(field).set(0, bad as never);
}

/** Bends a good item of a kind; gives whether it is one still. */
function isGood(kind: string, bend: (value: any) => void): boolean {
  const item = goodItem(kind);
  bend(item.kind.value);
  try {
    parseItem(bytesOfItem(item));
    return true;
  } catch (error) {
    if (error instanceof BadItem) return false;
    throw error;
  }
}

test("what a record can't tell", () => {
  const of = (channel: Channel, bend: (it: any) => void = () => {}): boolean =>
    isGood("recordAccess", (it) => {
      Object.assign(it, { channel, accesses: [] });
      it.subjects = create(SubjectsSchema, {});
      bend(it);
    });
  assert.deepEqual([Channel.API, Channel.LOG, Channel.FILE].map((it) => of(it)), [true, true, true]);
  assert.equal(of(Channel.DOOR), false);
  const bulk = create(BulkSubjectsSchema, { count: 1n, root: new Uint8Array(32).fill(1) });
  assert.equal(of(Channel.LOG, (it) => (it.subjects.uncounted = true)), true);
  assert.equal(of(Channel.LOG, (it) => (it.subjects.bulk = bulk)), false);
  assert.equal(of(Channel.LOG, (it) => (it.subjects.whole = true)), false);
  const whose = (bend: (it: any) => void): boolean =>
    isGood("recordAccess", (it) => {
      it.accesses[0].version = 1n;
      it.subjects = create(SubjectsSchema, { uncounted: true });
      bend(it.subjects);
    });
  assert.equal(whose(() => {}), true);
  assert.equal(whose((it) => (it.tags = [new Uint8Array(32)])), true);
  assert.equal(whose((it) => (it.unknownCount = 1n)), true);
  assert.equal(whose((it) => (it.bulk = bulk)), false);
  assert.equal(whose((it) => (it.whole = true)), false);
  assert.equal(whose((it) => Object.assign(it, { whole: true, uncounted: false })), true);
  const handed = (channel: Channel, accesses: boolean): boolean =>
    isGood("manualHandover", ({ record }) => {
      record.channel = channel;
      if (!accesses) record.accesses = [];
      record.subjects = create(SubjectsSchema, {});
    });
  assert.deepEqual([handed(Channel.LOG, true), handed(Channel.LOG, false)], [true, false]);
  const unseen = (channel: Channel, named: boolean): boolean =>
    isGood("recordAccess", (it) => {
      it.channel = channel;
      it.accesses[0].grantUnknown = true;
      if (!named) it.accesses[0].requestId = new Uint8Array(0);
    });
  assert.deepEqual([unseen(Channel.LOG, false), unseen(Channel.LOG, true), unseen(Channel.DOOR, false)], [true, false, false]);
  assert.equal(isGood("recordAccess", (it) => (it.rowCount = undefined)), true);
  const aboutOneself = (bend: (it: any) => void): boolean =>
    isGood("recordAccess", (it) => {
      it.selfService = { $typeName: "liuhen.v1.SelfService", login: 2 };
      it.onBehalfOf = undefined;
      bend(it);
    });
  const two = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  assert.equal(aboutOneself(() => {}), true);
  assert.equal(aboutOneself((it) => (it.selfService.login = 3)), false);
  assert.equal(aboutOneself((it) => (it.onBehalfOf = it.asker)), false);
  assert.equal(aboutOneself((it) => (it.subjects.tags = two)), false);
  const byHand = (bend: (it: any) => void): boolean =>
    isGood("recordAccess", (it) => {
      it.breakGlass = { $typeName: "liuhen.v1.BreakGlass", officerId: two[0], cause: "fire", statementDigest: two[1] };
      bend(it);
    });
  assert.equal(byHand(() => {}), true);
  assert.equal(byHand((it) => (it.breakGlass.cause = "")), false);
  assert.equal(byHand((it) => (it.breakGlass.officerId = new Uint8Array(31))), false);
  assert.equal(byHand((it) => ([it.decision, it.observing] = [2, undefined])), false);
  const stated = (kind: number, fromMs: bigint): boolean =>
    isGood("stateList", (it) => Object.assign(it, { kind, fromMs, untilMs: 2n }));
  assert.deepEqual([stated(3, 2n), stated(4, 2n), stated(3, 3n)], [true, false, false]);
  const operated = (kind: number): boolean =>
    isGood("registerIdentity", (it) => Object.assign(it, { kind, operatedBy: "gz.bdb", holder: new Uint8Array(0) }));
  assert.deepEqual([operated(3), operated(2)], [true, false]);
  assert.equal(isGood("acknowledge", (it) => (it.rowCount = undefined)), true);
  assert.equal(isGood("recordAccess", (it) => (it.statementDigest = new Uint8Array(0))), true);
});

for (const kind of ITEM_KINDS) {
  test(`fields of ${kind}`, () => {
    parseItem(bytesOfItem(goodItem(kind)));
    const field = ItemSchema.fields.find((it) => it.localName === kind);
    assert.ok(field?.message);
    for (const [what, bend] of bends(field.message, kind)) {
      const item = goodItem(kind);
      try {
        bend(reflect(field.message, item.kind.value as Message));
      } catch (error) {
        if (error instanceof NotThere) continue;
        throw error;
      }
      assert.throws(() => parseItem(bytesOfItem(item)), BadItem, what);
    }
  });
}
