/** Base64, of RFC 4648, section 4: the one way to write bytes so. */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Standard base64 with padding, whose unused bits are zero; `undefined` for anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={0,2}$/, "");
  if (text.length % 4 !== 0 || text.length - digits.length !== (4 - (digits.length % 4)) % 4) return undefined;
  const out: number[] = [];
  let bits = 0;
  let value = 0;
  for (const digit of digits) {
    const found = ALPHABET.indexOf(digit);
    if (found < 0) return undefined;
    value = ((value << 6) | found) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push((value >> bits) & 0xff);
    }
  }
  return (value & ((1 << bits) - 1)) === 0 ? Uint8Array.from(out) : undefined;
}
