/** Checkpoints of the header log (C2SP tlog-checkpoint): origin, size and root, a line each. */
import { fromBase64 } from "./base64.js";
import { MAX_U64 } from "./bytes.js";
import { HASH_BYTES } from "./hash.js";

/** Headers 0 … size − 1 of a chain, and their RFC 6962 root. */
export interface Checkpoint {
  chain: Uint8Array;
  size: bigint;
  root: Uint8Array;
}

/** Reads a checkpoint's text; signatures and other lines behind it are left aside. `undefined` if it is none. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, size, root] = text.split("\n");
  const chain = origin === undefined ? undefined : /^liuhen\/([0-9a-f]{64})$/.exec(origin)?.[1];
  if (chain === undefined || size === undefined || !/^(0|[1-9][0-9]{0,19})$/.test(size)) return undefined;
  const rootBytes = root === undefined ? undefined : fromBase64(root);
  if (rootBytes?.length !== HASH_BYTES || BigInt(size) > MAX_U64) return undefined;
  const chainBytes = Uint8Array.from(chain.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  return { chain: chainBytes, size: BigInt(size), root: rootBytes };
}
