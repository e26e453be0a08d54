/**
 * The one encoding of a message: docs/spec/encoding.md, "Canonical protobuf".
 *
 * The wire is checked against the schema's descriptor before anything is decoded. Nothing is allocated
 * by a length that a file states, and nesting is bounded.
 */
import {
  type DescField,
  type DescMessage,
  type Message,
  type MessageShape,
  ScalarType,
  fromBinary,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { MAX_U64, textOf } from "./bytes.js";

/** Messages within messages. */
const MAX_DEPTH = 16;
/** Wire types: a varint; a length and so many bytes. The schema has no others. */
const VARINT = 0;
const BYTES = 2;

/** Thrown for bytes that are not a canonical message. */
export class NotCanonical extends Error {}

function demand(holds: boolean, why: string): asserts holds {
  if (!holds) throw new NotCanonical(why);
}

/**
 * Decodes a message that must be canonical and at most `limit` bytes long.
 * Throws `NotCanonical` for other bytes.
 */
export function decode<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array, limit: number): MessageShape<Desc> {
  demand(bytes.length <= limit, `${schema.name} of ${bytes.length} bytes; at most ${limit} are taken`);
  checkMessage(schema, bytes, 1);
  return fromBinary(schema, bytes, { readUnknownFields: false });
}

/** As `decode`; `undefined` for bytes that are not canonical. */
export function tryDecode<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  limit: number,
): MessageShape<Desc> | undefined {
  try {
    return decode(schema, bytes, limit);
  } catch (error) {
    if (error instanceof NotCanonical) return undefined;
    throw error;
  }
}

/** A message of any type of the schema. */
export type AnyMessage = Message;

/** Reads varints and stretches of bytes, and never beyond the end. */
class Wire {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** A varint of as few bytes as can be, below 2⁶⁴. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at];
      demand(byte !== undefined, "a varint is cut short");
      this.at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        demand(byte !== 0 || shift === 0n, "a varint is longer than it need be");
        demand(value <= MAX_U64, "a varint is beyond 64 bits");
        return value;
      }
    }
    throw new NotCanonical("a varint has more than ten bytes");
  }

  /** What a length says follows. */
  stretch(): Uint8Array {
    const length = this.varint();
    demand(length <= BigInt(this.bytes.length - this.at), "a field reaches beyond its message");
    const begin = this.at;
    this.at += Number(length);
    return this.bytes.subarray(begin, this.at);
  }
}

function checkMessage(schema: DescMessage, bytes: Uint8Array, depth: number): void {
  demand(depth <= MAX_DEPTH, "messages are nested too deeply");
  const wire = new Wire(bytes);
  const oneofs = new Set<string>();
  let last = 0;
  while (!wire.isAtEnd) {
    const tag = wire.varint();
    const number = Number(tag >> 3n);
    const field = schema.fields.find((one) => one.number === number);
    demand(field !== undefined, `${schema.name} has no field ${number}`);
    const isNext = number > last || (number === last && isUnpackedList(field));
    demand(isNext, `${field} is out of order, or there twice`);
    last = number;
    if (field.oneof !== undefined) {
      demand(!oneofs.has(field.oneof.name), `two of ${field.oneof} are there`);
      oneofs.add(field.oneof.name);
    }
    checkField(field, Number(tag & 7n), wire, depth);
  }
}

/** Lists of texts, bytes and messages have an entry a field; others are packed into one. */
function isUnpackedList(field: DescField): boolean {
  return field.fieldKind === "list" && !isPacked(field);
}

function isPacked(field: DescField): boolean {
  if (field.fieldKind !== "list") return false;
  return field.listKind === "enum" || (field.listKind === "scalar" && !isLengthDelimited(field.scalar));
}

function isLengthDelimited(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

function checkField(field: DescField, wireType: number, wire: Wire, depth: number): void {
  const message = field.message;
  if (message !== undefined) {
    demand(wireType === BYTES, `${field} is a message`);
    return checkMessage(message, wire.stretch(), depth + 1);
  }
  if (isPacked(field)) {
    demand(wireType === BYTES, `${field} is packed`);
    return checkPacked(field, wire.stretch());
  }
  // A default is written out only where its presence says something, or as an entry of a list.
  const mayBeDefault = field.fieldKind === "list" || field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  if (field.scalar !== undefined && isLengthDelimited(field.scalar)) {
    demand(wireType === BYTES, `${field} is a text or bytes`);
    const bytes = wire.stretch();
    demand(mayBeDefault || bytes.length > 0, `${field} is empty, and written out`);
    demand(field.scalar !== ScalarType.STRING || textOf(bytes) !== undefined, `${field} is not UTF-8`);
    return;
  }
  demand(wireType === VARINT, `${field} is a number`);
  const value = wire.varint();
  demand(mayBeDefault || value !== 0n, `${field} is 0, and written out`);
  checkNumber(field, value);
}

function checkPacked(field: DescField, bytes: Uint8Array): void {
  demand(bytes.length > 0, `${field} is an empty list, and written out`);
  const wire = new Wire(bytes);
  while (!wire.isAtEnd) checkNumber(field, wire.varint());
}

function checkNumber(field: DescField, value: bigint): void {
  if (field.enum !== undefined) {
    // An enum is an int32; one below 0 is written as a 64-bit number.
    const fits = value < 1n << 31n || value >= (1n << 64n) - (1n << 31n);
    return demand(fits, `${field} is no enum value`);
  }
  switch (field.scalar) {
    case ScalarType.BOOL:
      return demand(value <= 1n, `${field} is neither 0 nor 1`);
    case ScalarType.UINT32:
      return demand(value < 1n << 32n, `${field} is beyond 32 bits`);
    case ScalarType.UINT64:
      return;
    default:
      throw new NotCanonical(`${field} is of a type that the schema does not use`);
  }
}
