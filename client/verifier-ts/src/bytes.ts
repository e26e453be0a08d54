/** Bytes: comparing, joining, and the big-endian integers of which leaves, headers and ids are made. */

/** The greatest u64. */
export const MAX_U64 = 0xffff_ffff_ffff_ffffn;

/** Whether two byte strings are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** Negative, 0 or positive: the order of bytes as unsigned numbers, a prefix first. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Negative, 0 or positive: the order of two texts by their UTF-8 bytes. */
export function compareText(a: string, b: string): number {
  return compare(utf8(a), utf8(b));
}

/** Whether each entry is greater than the one before it. */
export function isAscending<T>(list: readonly T[], order: (a: T, b: T) => number): boolean {
  return list.every((it, at) => at === 0 || order(list[at - 1] as T, it) < 0);
}

/** Puts byte strings one behind the other. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A text as UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The text of UTF-8 bytes; `undefined` where they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** One byte. */
export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

/** Two bytes, big-endian. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

/** Four bytes, big-endian. */
export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Eight bytes, big-endian. */
export function u64(value: bigint): Uint8Array {
  return concat(u32(Number((value >> 32n) & 0xffff_ffffn)), u32(Number(value & 0xffff_ffffn)));
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Takes fixed parts of a byte string, from its beginning. Reading beyond the end throws. */
export class Cursor {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("beyond the end");
    const part = this.bytes.slice(this.at, end);
    this.at = end;
    return part;
  }

  u8(): number {
    return Number(this.number(1));
  }

  u16(): number {
    return Number(this.number(2));
  }

  u32(): number {
    return Number(this.number(4));
  }

  u64(): bigint {
    return this.number(8);
  }

  private number(length: number): bigint {
    return this.take(length).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }
}
