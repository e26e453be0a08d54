/**
 * Logs: Merkle trees of the shape of RFC 6962, split at the largest power of two below the size.
 *
 * The log of headers uses SHA-256 as the RFC has it; trails, item lists, blocks and bulk sets use
 * `H_node`, and hash their leaves in domains of their own. Here leaves are hashes already.
 */
import { equal, u8 } from "./bytes.js";
import { hash, sha256 } from "./hash.js";

/** How a log hashes two subtrees into one, and what the empty log is. */
export interface LogHash {
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
  empty(): Uint8Array;
}

/** RFC 6962: SHA-256(0x01 ‖ left ‖ right). */
export const HEADER_LOG: LogHash = {
  node: (left, right) => sha256(u8(1), left, right),
  empty: () => sha256(),
};

/** Every other log: `H_node(left ‖ right)`. */
export const TRAIL_LOG: LogHash = {
  node: (left, right) => hash("node", left, right),
  empty: () => hash("node"),
};

/** The hash of a header as a leaf: SHA-256(0x00 ‖ header). It is the block's id. */
export function headerLeaf(header: Uint8Array): Uint8Array {
  return sha256(u8(0), header);
}

/** Sizes are below 2⁶³, so no tree is deeper than this. */
const MAX_SIZE = 1n << 63n;

/**
 * The root that an inclusion path leads to, from leaf `index` of `size` (RFC 9162, 2.1.3.2).
 * `undefined` where index or length of the path do not fit the size.
 */
export function rootOfInclusion(
  log: LogHash,
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  return rootsOfInclusion(log, leaf, index, size, path)?.root;
}

/** The same, and the root over the leaves before `index`, whose complete subtrees are the siblings on the left. */
export function rootsOfInclusion(
  log: LogHash,
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  path: readonly Uint8Array[],
): { root: Uint8Array; before: Uint8Array } | undefined {
  if (index >= size || size > MAX_SIZE) return undefined;
  let node = index;
  let last = size - 1n;
  let root = leaf;
  let before: Uint8Array | undefined;
  for (const sibling of path) {
    if (last === 0n) return undefined;
    if ((node & 1n) === 1n || node === last) {
      root = log.node(sibling, root);
      before = before === undefined ? sibling : log.node(sibling, before);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      root = log.node(root, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? { root, before: before ?? log.empty() } : undefined;
}

/** What a log was, or is: its size and root. */
export interface LogState {
  size: bigint;
  root: Uint8Array;
}

/** Whether the log `after` begins with the log `before`, which is not empty (RFC 9162, 2.1.4.2). */
export function isConsistent(log: LogHash, before: LogState, after: LogState, path: readonly Uint8Array[]): boolean {
  if (before.size === 0n || before.size > after.size || after.size > MAX_SIZE) return false;
  if (before.size === after.size) return path.length === 0 && equal(before.root, after.root);
  let node = before.size - 1n;
  let last = after.size - 1n;
  while ((node & 1n) === 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  // Where the old size is a power of two, the old root begins the path, and is not written down.
  const isWhole = (before.size & (before.size - 1n)) === 0n;
  const [first, ...rest] = isWhole ? [before.root, ...path] : path;
  if (first === undefined) return false;
  let old = first;
  let now = first;
  for (const sibling of rest) {
    if (last === 0n) return false;
    if ((node & 1n) === 1n || node === last) {
      old = log.node(sibling, old);
      now = log.node(sibling, now);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      now = log.node(now, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(old, before.root) && equal(now, after.root);
}

/**
 * The root of a log of `size` leaves, of which those from number `first` on are `leaves` and all others are
 * told by `hashes`: one for each largest subtree outside, from left to right. `undefined` where the
 * range does not lie in the log, or the hashes are not used up exactly.
 */
export function rootOfRange(
  log: LogHash,
  size: bigint,
  first: bigint,
  leaves: readonly Uint8Array[],
  hashes: readonly Uint8Array[],
): Uint8Array | undefined {
  const end = first + BigInt(leaves.length);
  if (leaves.length === 0 || end > size || size > MAX_SIZE) return undefined;
  let used = 0;
  const subtree = (from: bigint, count: bigint): Uint8Array | undefined => {
    if (from >= end || from + count <= first) return hashes[used++];
    if (count === 1n) return leaves[Number(from - first)];
    const half = largestPowerBelow(count);
    const left = subtree(from, half);
    const right = left && subtree(from + half, count - half);
    return left && right && log.node(left, right);
  };
  const root = subtree(0n, size);
  return used === hashes.length ? root : undefined;
}

/** The largest power of two below a count of at least 2. */
function largestPowerBelow(count: bigint): bigint {
  return 1n << BigInt((count - 1n).toString(2).length - 1);
}
