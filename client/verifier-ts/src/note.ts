/** Signed notes (C2SP signed-note) and the cosignatures of witnesses on them: docs/spec/checkpoints.md. */
import { fromBase64 } from "./base64.js";
import { Cursor, concat, equal, hex, u8, utf8 } from "./bytes.js";
import { sha256 } from "./hash.js";
import { SIGNATURE_BYTES, isUsableKey, verifies } from "./signature.js";

const NOTE_BYTES = 64 * 1024;
const KEY_HASH_BYTES = 4;
/** Signature type: an Ed25519 cosignature with a time. */
const COSIGNATURE = 0x04;
const TIME_BYTES = 8;

export interface Note {
  /** What is signed, its last newline included. */
  text: string;
  /** At least one. */
  lines: NoteLine[];
}

/** A signature line: of a key with this name and hash, it says. */
export interface NoteLine {
  name: string;
  keyHash: Uint8Array;
  signature: Uint8Array;
}

/** A witness that the verifier knows. */
export interface Witness {
  name: string;
  keyHash: Uint8Array;
  publicKey: Uint8Array;
}

/** Reads a signed note. `undefined` if it is none. No signature is judged. */
export function parseNote(note: string): Note | undefined {
  if (utf8(note).length > NOTE_BYTES || /[\0-\x09\x0b-\x1f\x7f]/.test(note)) return undefined;
  // The text may have empty lines: signatures begin behind the last one.
  const empty = note.lastIndexOf("\n\n");
  if (empty < 0 || !note.endsWith("\n")) return undefined;
  const lines = note
    .slice(empty + 2, -1)
    .split("\n")
    .map(parseLine);
  return lines.every((it) => it !== undefined) ? { text: note.slice(0, empty + 1), lines } : undefined;
}

function parseLine(line: string): NoteLine | undefined {
  const [, name = "", base64 = ""] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = fromBase64(base64);
  if (!isName(name) || bytes === undefined || bytes.length <= KEY_HASH_BYTES) return undefined;
  return { name, keyHash: bytes.subarray(0, KEY_HASH_BYTES), signature: bytes.subarray(KEY_HASH_BYTES) };
}

/** Whether a text may be a key's name: not empty, no space or control character of Unicode, no plus. */
function isName(text: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]+$/u.test(text);
}

/** Reads a verifier key, `name+hash+base64`, of a cosigner. `undefined` if it is none. */
export function parseWitness(vkey: string): Witness | undefined {
  const [, name = "", keyHash = "", base64 = ""] = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(vkey) ?? [];
  const bytes = fromBase64(base64);
  if (!isName(name) || bytes?.[0] !== COSIGNATURE) return undefined;
  const publicKey = bytes.subarray(1);
  const own = keyHashOf(name, publicKey);
  return isUsableKey(publicKey) && hex(own) === keyHash ? { name, keyHash: own, publicKey } : undefined;
}

/** The first 4 bytes of SHA-256(name ‖ newline ‖ type u8 ‖ public key). */
export function keyHashOf(name: string, publicKey: Uint8Array): Uint8Array {
  return sha256(utf8(`${name}\n`), u8(COSIGNATURE), publicKey).subarray(0, KEY_HASH_BYTES);
}

/** Whether a line says that it is a witness's: by name and hash, not by one of them. */
export function isBy({ name, keyHash }: NoteLine, witness: Witness): boolean {
  return name === witness.name && equal(keyHash, witness.keyHash);
}

/** The time of a witness's cosignature on a text, in seconds; `undefined` where the signature is bad. */
export function timeOfCosignature(text: string, signature: Uint8Array, { publicKey }: Witness): bigint | undefined {
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const at = new Cursor(signature);
  const time = at.u64();
  return verifies(publicKey, cosigned(text, time), at.take(SIGNATURE_BYTES)) ? time : undefined;
}

/** What a cosigner signs. */
export function cosigned(text: string, time: bigint): Uint8Array {
  return concat(utf8(`cosignature/v1\ntime ${time}\n`), utf8(text));
}
