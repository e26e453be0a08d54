/**
 * The map: a binary trie from 32-byte keys to 32-byte values, most significant bit first. A subtree with one
 * leaf is that leaf; an empty subtree, and the empty map, is 32 zero bytes.
 */
import { equal } from "./bytes.js";
import type { MapProof } from "./gen/liuhen/v1/proof_pb.js";
import { HASH_BYTES, ZERO, hash } from "./hash.js";

/** Bits of a key. */
const MAX_DEPTH = 256;

/** Whether the map with this root has this value at this key. */
export function holds(root: Uint8Array, key: Uint8Array, value: Uint8Array, path: MapProof): boolean {
  if (path.otherKey.length > 0 || path.otherValue.length > 0) return false;
  return leadsTo(root, key, hash("mapleaf", key, value), path);
}

/**
 * Whether the map with this root has nothing at this key: the path ends in an empty place, or in another leaf
 * whose key shares the path's bits.
 */
export function lacks(root: Uint8Array, key: Uint8Array, path: MapProof): boolean {
  const { otherKey, otherValue, depth } = path;
  if (otherKey.length === 0 && otherValue.length === 0) return leadsTo(root, key, ZERO, path);
  if (!isWellFormed(path) || equal(otherKey, key)) return false;
  for (let level = 0; level < depth; level++) {
    if (bit(otherKey, level) !== bit(key, level)) return false;
  }
  return leadsTo(root, key, hash("mapleaf", otherKey, otherValue), path);
}

/** Whether the path leads from what stands at its end up to the root. */
function leadsTo(root: Uint8Array, key: Uint8Array, end: Uint8Array, path: MapProof): boolean {
  if (!isWellFormed(path)) return false;
  const { bitmap, depth, siblings } = path;
  let left = siblings.length;
  let node = end;
  for (let level = depth - 1; level >= 0; level--) {
    const sibling = bit(bitmap, level) === 1 ? siblings[--left] : ZERO;
    if (sibling === undefined) return false;
    node = bit(key, level) === 0 ? hash("mapnode", node, sibling) : hash("mapnode", sibling, node);
  }
  return equal(node, root);
}

/**
 * Whether a path is written as it must be: a bit a level, the bits behind the last level zero; as many siblings
 * as bits, none of them empty; another leaf whole or not at all.
 */
export function isWellFormed({ bitmap, depth, siblings, otherKey, otherValue }: MapProof): boolean {
  if (depth > MAX_DEPTH || bitmap.length !== Math.ceil(depth / 8)) return false;
  let named = 0;
  for (let level = 0; level < bitmap.length * 8; level++) {
    if (bit(bitmap, level) === 0) continue;
    if (level >= depth) return false;
    named += 1;
  }
  const areSiblings = siblings.length === named && siblings.every((it) => it.length === HASH_BYTES && !equal(it, ZERO));
  const hasOther = otherKey.length === HASH_BYTES && otherValue.length === HASH_BYTES;
  return areSiblings && (hasOther || otherKey.length + otherValue.length === 0);
}

/** Bit `at` of bytes, most significant first. */
function bit(bytes: Uint8Array, at: number): number {
  return ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
}
