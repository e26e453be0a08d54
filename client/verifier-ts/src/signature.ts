/** Keys and signatures: Ed25519, judged by ZIP-215 (with the cofactor). */
import { ed25519 } from "@noble/curves/ed25519.js";
import { concat, hex, u8 } from "./bytes.js";
import { hash, sha256 } from "./hash.js";

/** Algorithm byte of Ed25519 in key ids and validator sets. */
export const ED25519 = 1;
const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** `H_keyid(algorithm u8 ‖ public key)`. */
export function keyId(publicKey: Uint8Array): Uint8Array {
  return hash("keyid", concat(u8(ED25519), publicKey));
}

/** Answers given before: files of one chain share keys, and those of one anchor its certificate. */
class Remembered {
  private readonly answers = new Map<string, boolean>();

  /** The answer for what has this name; asked for once, while it is remembered. */
  answer(name: string, ask: () => boolean): boolean {
    const known = this.answers.get(name);
    if (known !== undefined) return known;
    if (this.answers.size >= REMEMBERED) this.answers.clear();
    const answer = ask();
    this.answers.set(name, answer);
    return answer;
  }
}

const REMEMBERED = 10_000;
const keys = new Remembered();
const signatures = new Remembered();

/** Whether bytes are a point of the curve that is not of small order: for one that is, anybody could sign. */
export function isUsableKey(publicKey: Uint8Array): boolean {
  return publicKey.length === KEY_BYTES && keys.answer(hex(publicKey), () => isPointOfLargeOrder(publicKey));
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
  // Key and signature are of fixed lengths, so their bytes and the message's can't be taken apart otherwise.
  const name = hex(sha256(publicKey, signature, message));
  return signatures.answer(name, () => ed25519.verify(signature, message, publicKey, { zip215: true }));
}
