/**
 * How much a file would take, told before it is decoded: messages of a few bytes each take far more than
 * their bytes. docs/spec/proofs.md, "Limits".
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { MAX_U64 } from "./bytes.js";
import { demand } from "./verdict.js";

/** The greatest count of a file's messages. */
export const MAX_COUNT = 25_165_823;
const MESSAGE = 512;
const LARGE_MESSAGE = 2048;
/** For each field with a length, beside that length. */
const FIELD = 48;

const LARGE: ReadonlySet<string> = new Set([
  "Trace",
  "CompletenessClaim",
  "AbsenceClaim",
  "AbsentTransaction",
  "OmissionClaim",
  "DepartmentClaim",
  "SubjectTrails",
]);

/** The last field number of protobuf. */
const MAX_FIELD = (1n << 29n) - 1n;

/** Counts a message by its fields on the wire. Throws `file.malformed` where they are none; `file.limits`. */
export function checkCount(schema: DescMessage, bytes: Uint8Array): number {
  const counter = new Counter(bytes);
  counter.message(schema, bytes.length);
  return counter.count;
}

class Counter {
  count = 0;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  message(schema: DescMessage, end: number): void {
    this.add(LARGE.has(schema.name) ? LARGE_MESSAGE : MESSAGE);
    while (this.at < end) {
      const tag = this.varint(end);
      const number = tag >> 3n;
      need(number >= 1n && number <= MAX_FIELD);
      switch (Number(tag & 7n)) {
        case 0:
          this.varint(end);
          break;
        case 1:
          this.skip(8, end);
          break;
        case 2:
          this.stretch(schema, Number(number), end);
          break;
        case 5:
          this.skip(4, end);
          break;
        default:
          need(false);
      }
    }
  }

  private stretch(schema: DescMessage, number: number, end: number): void {
    const length = this.varint(end);
    need(length <= BigInt(end - this.at));
    const message = schema.fields.find((it) => it.number === number)?.message;
    if (message !== undefined) return this.message(message, this.at + Number(length));
    this.add(Number(length) + FIELD);
    this.skip(Number(length), end);
  }

  private skip(length: number, end: number): void {
    need(length <= end - this.at);
    this.at += length;
  }

  private varint(end: number): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      need(this.at < end);
      const byte = this.bytes[this.at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        need(value <= MAX_U64);
        return value;
      }
    }
    return need(false) as never;
  }

  private add(count: number): void {
    this.count += count;
    demand(this.count <= MAX_COUNT, "file.limits", `its messages count more than ${MAX_COUNT}`);
  }
}

function need(holds: boolean): asserts holds {
  demand(holds, "file.malformed", "not fields of a message");
}
