/** Keys and signatures: Ed25519, judged by ZIP-215 (with the cofactor). */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, hex, u8 } from "./bytes.js";
import { hash } from "./hash.js";

/** Algorithm byte of Ed25519 in key ids and validator sets. */
export const ED25519 = 1;
export const SIGNATURE_BYTES = 64;

/** `H_keyid(algorithm u8 ‖ public key)`. */
export function keyId(publicKey: Uint8Array): Uint8Array {
  return hash("keyid", concat(u8(ED25519), publicKey));
}

/** Keys looked at before, by hexadecimal: whether each is usable. */
const usable = new Map<string, boolean>();
const REMEMBERED = 10_000;

/** Whether bytes are a point of the curve that is not of small order: for one that is, anybody could sign. */
export function isUsableKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== 32) return false;
  const name = hex(publicKey);
  let found = usable.get(name);
  if (found === undefined) {
    found = isPointOfLargeOrder(publicKey);
    if (usable.size >= REMEMBERED) usable.clear();
    usable.set(name, found);
  }
  return found;
}

function isPointOfLargeOrder(publicKey: Uint8Array): boolean {
  try {
    return !ed25519.Point.fromBytes(publicKey, true).isSmallOrder();
  } catch {
    return false;
  }
}

/** Whether a signature over a message is a usable key's. */
export function verifies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isUsableKey(publicKey)) return false;
  return ed25519.verify(signature, message, publicKey, { zip215: true });
}
