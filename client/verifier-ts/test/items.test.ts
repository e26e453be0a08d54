/** What fields of items must be: a good item of every kind, and each of its fields bent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
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
