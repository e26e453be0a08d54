/** An item of every kind, made by the schema: each field is filled with something that its name tells apart. */
import { type DescField, type DescMessage, type Message, ScalarType, create, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { ed25519 } from "@noble/curves/ed25519.js";
import { hex, utf8 } from "../../src/bytes.js";
import { type Item, ItemSchema } from "../../src/gen/liuhen/v1/transaction_pb.js";
import { sha256 } from "../../src/hash.js";

/** Names of byte strings that were made, by hexadecimal. */
const names = new Map<string, string>();

/** The bytes that a field of this name is filled with. */
export function bytesOf(name: string, length = 32): Uint8Array {
  const bytes = sha256(utf8(name)).slice(0, Math.min(length, 32));
  const whole = new Uint8Array(length);
  whole.set(bytes);
  names.set(hex(whole), name);
  return whole;
}

/** The name of bytes that were made here; else the bytes as a text. */
export function nameOfBytes(bytes: Uint8Array): string {
  return names.get(hex(bytes)) ?? new TextDecoder().decode(bytes);
}

function scalarOf(field: DescField): unknown {
  switch (field.scalar) {
    case ScalarType.STRING:
      return field.name === "division" ? "52" : field.name.replaceAll("_", "-");
    case ScalarType.BYTES:
      if (field.name === "public_key") return ed25519.getPublicKey(new Uint8Array(32).fill(1));
      return bytesOf(field.name, field.name === "signature" ? 64 : 32);
    case ScalarType.BOOL:
      return true;
    case ScalarType.UINT64:
      return 1n;
    default:
      return 1;
  }
}

/** A message with every field filled; of a oneof the first. */
export function fill<Desc extends DescMessage>(schema: Desc): Message {
  const message = create(schema);
  const mirror = reflect(schema, message);
  const done = new Set<string>();
  for (const field of schema.fields) {
    if (field.oneof !== undefined && done.has(field.oneof.name)) continue;
    if (field.oneof !== undefined) done.add(field.oneof.name);
    const one = field.message !== undefined ? reflect(field.message, fill(field.message)) : scalarOf(field);
    if (field.fieldKind === "list") mirror.get(field).add(one as never);
    else mirror.set(field, one as never);
  }
  return message as Message;
}

type Loose = any;

const none = new Uint8Array(0);
const readOf = (it: Loose): void => {
  it.list = "";
  it.request.nonce = bytesOf("nonce", 16);
};
const terms = (it: Loose): void => {
  it.untilMs = 2n;
  it.schedule.untilMinute = 2;
};
const record = (it: Loose): void => {
  for (const party of [it.asker, it.via, it.onBehalfOf]) party.unmappedDigest = none;
  // Who asks about himself asks for nobody else.
  it.selfService = undefined;
  it.subjects.bulk = undefined;
  it.subjects.whole = false;
  // Who names a grant knows it.
  for (const one of it.accesses) one.grantUnknown = false;
};

/** What of a kind can't be as `fill` makes it. */
const MENDS: Record<string, (it: Loose) => void> = {
  publishVersion: (it) => (it.version = 2n),
  requestAccess: (it) => terms(it.terms),
  decideRequest: (it) => terms(it.terms),
  amendGrant: (it) => terms(it.terms),
  delegateGrant: (it) => terms(it.terms),
  openEmergency: (it) => terms(it.terms),
  givePermit: (it) => terms(it.terms),
  offerStanding: (it) => {
    terms(it.terms);
    it.terms.identityIds = [];
  },
  registerIdentity: (it) => {
    it.kind = 2;
    it.operatedBy = "";
  },
  propose: (it) => (it.change.value.member = ""),
  recordAccess: record,
  manualHandover: (it) => record(it.record),
  openSealed: (it) => {
    record(it.record);
    it.salt = it.salt.slice(0, 16);
  },
  correctRecords: (it) => {
    it.fromUnmappedDigest = none;
    for (const one of it.records) {
      record(one);
      one.asker.department = it.toDepartment;
      one.asker.identityId = it.toIdentityId;
    }
  },
  sealPeriod: (it) => (it.untilMs = 2n),
  recordReads: (it) => {
    readOf(it.reads[0]);
    it.reads[0].salt = none;
    it.reads[0].request.audit = "";
  },
  openReads: (it) => readOf(it.reads[0].read),
  reportDoubleVote: (it) => {
    it.first.blockId = none;
    // A proposal's alone.
    for (const vote of [it.first, it.second]) vote.polRound = undefined;
  },
};

/** A good item of a kind, as the schema calls it: `recordAccess`. */
export function goodItem(kind: string): Item {
  const field = ItemSchema.fields.find((it) => it.localName === kind);
  if (field?.message === undefined) throw new Error(`no item is ${kind}`);
  const value = fill(field.message);
  MENDS[kind]?.(value);
  return create(ItemSchema, { nonce: new Uint8Array(16), kind: { case: kind, value } } as Loose);
}

export const ITEM_KINDS: readonly string[] = ItemSchema.fields
  .filter((it) => it.oneof !== undefined)
  .map((it) => it.localName);

export function bytesOfItem(item: Item): Uint8Array {
  return toBinary(ItemSchema, item);
}
