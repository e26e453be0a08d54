/**
 * The hashes: `H_x(b)` is BLAKE3's keyed hash of b under the key `derive_key("liuhen v1 <x>", "")`, so that
 * what is hashed for one use can't pass for another. Only the log of headers uses SHA-256.
 */
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { concat, utf8 } from "./bytes.js";

/** Every domain that a verifier meets: docs/spec/encoding.md, "Hash domains". */
export type Domain =
  | "node"
  | "leaf"
  | "mapnode"
  | "mapleaf"
  | "key"
  | "trail"
  | "object"
  | "item"
  | "tx"
  | "keyid"
  | "id"
  | "ledger"
  | "genesis"
  | "validators"
  | "cert"
  | "tagleaf";

/** Bytes of every hash and id. */
export const HASH_BYTES = 32;
/** 32 zero bytes: an empty place of the map; the origin of a ledger event. */
export const ZERO = new Uint8Array(HASH_BYTES);

const keys = new Map<Domain, Uint8Array>();

function keyOf(domain: Domain): Uint8Array {
  let key = keys.get(domain);
  if (key === undefined) {
    key = blake3(new Uint8Array(0), { context: utf8(`liuhen v1 ${domain}`) });
    keys.set(domain, key);
  }
  return key;
}

/** `H_domain` of the parts, one behind the other: 32 bytes. */
export function hash(domain: Domain, ...parts: Uint8Array[]): Uint8Array {
  return blake3(concat(...parts), { key: keyOf(domain) });
}

/** SHA-256 of the parts, one behind the other: 32 bytes. */
export function sha256(...parts: Uint8Array[]): Uint8Array {
  return nobleSha256(concat(...parts));
}
