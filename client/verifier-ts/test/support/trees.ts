/** Trees, built as RFC 6962, section 2.1, and the map's definition say: slowly, and in other words than the verifier. */
import { concat, equal, hex } from "../../src/bytes.js";
import { ZERO, hash } from "../../src/hash.js";
import type { LogHash } from "../../src/merkle.js";
import type { Place } from "../../src/places.js";
import { mapKey } from "../../src/places.js";

function split(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}

export function rootOf(log: LogHash, leaves: Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return log.empty();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  const at = split(leaves.length);
  return log.node(rootOf(log, leaves.slice(0, at)), rootOf(log, leaves.slice(at)));
}

/** PATH(m, D[n]). */
export function inclusionPath(log: LogHash, index: number, leaves: Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const at = split(leaves.length);
  const [left, right] = [leaves.slice(0, at), leaves.slice(at)];
  return index < at
    ? [...inclusionPath(log, index, left), rootOf(log, right)]
    : [...inclusionPath(log, index - at, right), rootOf(log, left)];
}

/** PROOF(m, D[n]). */
export function consistencyPath(log: LogHash, size: number, leaves: Uint8Array[], isWhole = true): Uint8Array[] {
  if (size === leaves.length) return isWhole ? [] : [rootOf(log, leaves)];
  const at = split(leaves.length);
  const [left, right] = [leaves.slice(0, at), leaves.slice(at)];
  if (size <= at) return [...consistencyPath(log, size, left, isWhole), rootOf(log, right)];
  return [...consistencyPath(log, size - at, right, false), rootOf(log, left)];
}

/** The roots of the largest subtrees outside [first, end), left to right. */
export function rangeHashes(log: LogHash, first: number, end: number, leaves: Uint8Array[], begin = 0): Uint8Array[] {
  if (begin >= end || begin + leaves.length <= first) return [rootOf(log, leaves)];
  if (leaves.length === 1) return [];
  const at = split(leaves.length);
  return [
    ...rangeHashes(log, first, end, leaves.slice(0, at), begin),
    ...rangeHashes(log, first, end, leaves.slice(at), begin + at),
  ];
}

/** A map, by its keys in hexadecimal. */
export class TestMap {
  private readonly entries = new Map<string, { key: Uint8Array; value: Uint8Array }>();

  set(place: Place, value: Uint8Array): void {
    const key = mapKey(place);
    this.entries.set(hex(key), { key, value });
  }

  root(): Uint8Array {
    return this.subtree([...this.entries.values()], 0);
  }

  /** The path to a place, or to where it would be. */
  path(place: Place) {
    const key = mapKey(place);
    const siblings: Uint8Array[] = [];
    const bits: number[] = [];
    let left = [...this.entries.values()];
    while (left.length > 1) {
      const level = bits.length;
      const sibling = this.subtree(
        left.filter((it) => bitOf(it.key, level) !== bitOf(key, level)),
        level + 1,
      );
      bits.push(equal(sibling, ZERO) ? 0 : 1);
      if (!equal(sibling, ZERO)) siblings.push(sibling);
      left = left.filter((it) => bitOf(it.key, level) === bitOf(key, level));
    }
    const bitmap = new Uint8Array(Math.ceil(bits.length / 8));
    bits.forEach((bit, at) => {
      bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (bit << (7 - (at & 7)));
    });
    const other = left.find((it) => !equal(it.key, key));
    const nothing = new Uint8Array(0);
    return {
      bitmap,
      depth: bits.length,
      siblings,
      otherKey: other?.key ?? nothing,
      otherValue: other?.value ?? nothing,
    };
  }

  private subtree(entries: { key: Uint8Array; value: Uint8Array }[], level: number): Uint8Array {
    const [one] = entries;
    if (one === undefined) return ZERO;
    if (entries.length === 1) return hash("mapleaf", one.key, one.value);
    const side = (bit: number): Uint8Array =>
      this.subtree(
        entries.filter((it) => bitOf(it.key, level) === bit),
        level + 1,
      );
    return hash("mapnode", concat(side(0), side(1)));
  }
}

function bitOf(key: Uint8Array, level: number): number {
  return ((key[level >> 3] ?? 0) >> (7 - (level & 7))) & 1;
}
