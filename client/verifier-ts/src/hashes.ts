/** Lists of hashes, as a file gives them. */
import { HASH_BYTES } from "./hash.js";
import { demand } from "./verdict.js";

/** Throws `hash.length` unless each is 32 bytes long. */
export function needHashes(list: readonly Uint8Array[]): void {
  for (const it of list) needHash(it);
}

/** Throws `hash.length` unless it is 32 bytes long. */
export function needHash(bytes: Uint8Array): void {
  demand(bytes.length === HASH_BYTES, "hash.length", `a hash of ${bytes.length} bytes`);
}
