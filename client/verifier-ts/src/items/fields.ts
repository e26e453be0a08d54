/** What fields of items must be, whatever the ledger says: docs/spec/items.md, "What fields must be". */
import type { DescEnum } from "@bufbuild/protobuf";
import { compare, compareText, isAscending, utf8 } from "../bytes.js";
import {
  Algorithm,
  type NewDepartment,
  type NewKey,
  type Right,
  type RootKeys,
  type StandingChange,
} from "../gen/liuhen/v1/consortium_pb.js";
import { HASH_BYTES } from "../hash.js";
import { isCode } from "../places.js";
import { isUsableKey } from "../signature.js";

/** Thrown for an item that no ledger takes. */
export class BadItem extends Error {}

export function ensure(holds: boolean, why: string): asserts holds {
  if (!holds) throw new BadItem(why);
}

/** A part of an item that must be there. */
export function given<T>(part: T | undefined, name: string): T {
  ensure(part !== undefined, `${name} is needed`);
  return part;
}

/** Codes: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit. */
export function codes(...texts: string[]): void {
  for (const text of texts) ensure(isCode(text), `"${text}" is not a code`);
}

/** A code, or nothing. */
export function codeIfGiven(text: string): void {
  if (text !== "") codes(text);
}

/** Ids and digests: 32 bytes. */
export function ids(...list: Uint8Array[]): void {
  for (const it of list) ensure(it.length === HASH_BYTES, "32 bytes are needed");
}

/** 32 bytes, or none. */
export function idIfGiven(bytes: Uint8Array): void {
  if (bytes.length > 0) ids(bytes);
}

/** A number that something is counted with, from 1. */
export function numbered(number: bigint): void {
  ensure(number > 0n, "numbers begin at 1");
}

/** Strictly ascending texts, at most so many. */
export function ascendingTexts(list: readonly string[], limit: number): void {
  ensure(list.length <= limit && isAscending(list, compareText), "not strictly ascending, or too many");
}

/** Strictly ascending byte strings, at most so many. */
export function ascendingBytes(list: readonly Uint8Array[], limit: number): void {
  ensure(list.length <= limit && isAscending(list, compare), "not strictly ascending, or too many");
}

/** Strictly ascending numbers, at most so many. */
export function ascendingNumbers(list: readonly (number | bigint)[], limit: number): void {
  const isGood = list.length <= limit && isAscending(list, (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  ensure(isGood, "not strictly ascending, or too many");
}

/** Whether a number is one of an enum's, and not its first, which says nothing. */
export function isNamed(schema: DescEnum, value: number): boolean {
  return value !== 0 && schema.value[value] !== undefined;
}

/** A number of a closed range. */
export function within(value: number, first: number, last: number, what: string): void {
  ensure(value >= first && value <= last, `${what} is ${first} to ${last}`);
}

const MAX_TITLE_BYTES = 256;

/** Titles and names: at most 256 bytes, no control characters (U+0000 … 001F, 007F … 009F). One of the two is given. */
export function titles(chinese: string, english: string): void {
  for (const text of [chinese, english]) {
    ensure(utf8(text).length <= MAX_TITLE_BYTES && !/\p{Cc}/u.test(text), "a title of at most 256 bytes");
  }
  ensure(chinese !== "" || english !== "", "a title in Chinese or English is needed");
}

/** GB/T 2260 prefix: at most 12 digits. */
export function division(text: string): void {
  ensure(/^[0-9]{0,12}$/.test(text), "a division is at most 12 digits");
}

export function rights(list: readonly Right[]): void {
  ascendingNumbers(list, 5);
  for (const it of list) within(it, 1, 5, "a right");
}

export function standingChange(change: StandingChange): void {
  within(change, 1, 3, "a change of standing");
}

/** Keys of an identity at most, those ended included. */
export const IDENTITY_KEYS = 64;

/** Ed25519 keys, usable, strictly ascending by public key. */
export function newKeys(keys: readonly NewKey[]): void {
  ascendingBytes(
    keys.map((it) => it.publicKey),
    IDENTITY_KEYS,
  );
  for (const key of keys) {
    ensure(key.algorithm === Algorithm.ED25519 && isUsableKey(key.publicKey), "not a usable key");
  }
}

export function rootKeys(root: RootKeys | undefined): void {
  const { keys, threshold } = given(root, "root");
  newKeys(keys);
  within(threshold, 1, keys.length, "a threshold");
}

export function newDepartment(department: NewDepartment | undefined): void {
  const it = given(department, "department");
  codes(it.code, it.body);
  titles(it.nameZh, it.nameEn);
  within(it.level, 1, 5, "a level");
  division(it.division);
  codeIfGiven(it.parent);
  codeIfGiven(it.guide);
  rights(it.rights);
  rootKeys(it.root);
}
