/** Items: canonical bytes to a checked item, and where its event is filed. */
import { decode } from "../canonical.js";
import { type Item, ItemSchema, type TransactionHeader } from "../gen/liuhen/v1/transaction_pb.js";
import { type Place, TRAIL } from "../places.js";
import { ACCESS } from "./access.js";
import { CATALOGUE } from "./catalogue.js";
import { BadItem, ensure } from "./fields.js";
import { GOVERNANCE } from "./governance.js";
import type { ItemKind, KindOfItem, Table } from "./kind.js";
import { MEMBER } from "./member.js";
import { OVERSIGHT } from "./oversight.js";
import { READING } from "./reading.js";
import { SHARING } from "./sharing.js";

/** Bytes of an item, and of a ledger event, at most. */
export const ITEM_BYTES = 16 * 1024;
const NONCE_BYTES = 16;

/** Every kind of item. */
const TABLE: Table = { ...MEMBER, ...CATALOGUE, ...SHARING, ...ACCESS, ...OVERSIGHT, ...GOVERNANCE, ...READING };

/** The row of a kind. That the kinds of the row and of the item are the same is more than the compiler can see. */
function row(kind: ItemKind): KindOfItem<ItemKind> {
  return TABLE[kind] as KindOfItem<ItemKind>;
}

/** Reads an item. Throws `NotCanonical`, or `BadItem` where a field's content can't be. */
export function parseItem(bytes: Uint8Array): Item {
  const item = decode(ItemSchema, bytes, ITEM_BYTES);
  ensure(item.nonce.length === NONCE_BYTES, "a nonce of 16 bytes is needed");
  const { kind } = item;
  if (kind.case === undefined) throw new BadItem("the item says nothing");
  row(kind.case).check(kind.value);
  return item;
}

/** The trails of item `number` of a transaction; some may be there twice. */
export function trailsOfItem(header: TransactionHeader, number: number, { kind }: Item): Place[] {
  const own: Place = { kind: TRAIL.key, id: header.keyId };
  return kind.case === undefined ? [own] : [own, ...row(kind.case).trails(kind.value, { header, number })];
}
