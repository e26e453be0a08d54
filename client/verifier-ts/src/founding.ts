/**
 * The founding document: what a chain begins with. It makes header 0 and the map of the founding objects:
 * docs/spec/encoding.md, "The founding document".
 */
import { type DescMessage, type MessageShape, create, toBinary } from "@bufbuild/protobuf";
import { concat, equal, u32, u64, utf8 } from "./bytes.js";
import { decode } from "./canonical.js";
import { CalendarSchema, IdentityKind, ParametersSchema, type Validator } from "./gen/liuhen/v1/consortium_pb.js";
import {
  BeneathSchema,
  DepartmentSchema,
  type Genesis,
  GenesisSchema,
  IdentityNameSchema,
  IdentitySchema,
  KeySchema,
  PeersSchema,
  RosterSchema,
  ValidatorScheduleSchema,
  VotersSchema,
} from "./gen/liuhen/v1/ledger_pb.js";
import { ZERO, hash } from "./hash.js";
import { PROTOCOL, SUITE } from "./header.js";
import { HEADER_LOG, TRAIL_LOG, headerLeaf } from "./merkle.js";
import { OBJECT, type Place, mapKey, place } from "./places.js";
import { isValidatorSet, validatorsHash } from "./validators.js";
import { Undecidable } from "./verdict.js";

const MAX_BYTES = 16 * 1024 * 1024;

/** What a verifier takes from a founding document. */
export interface Founding {
  /** Chain id: `H_genesis` of the document's bytes. */
  chain: Uint8Array;
  timeMs: bigint;
  validators: Validator[];
  /** The block id of header 0, which takes the whole map of founding objects to tell. */
  headerId(): Uint8Array;
}

/** Reads a founding document. Throws `NotCanonical`, or `Undecidable` for what this verifier does not know. */
export function parseFounding(bytes: Uint8Array): Founding {
  const document = decode(GenesisSchema, bytes, MAX_BYTES);
  if (document.protocol !== PROTOCOL || document.suite !== SUITE) {
    throw new Undecidable(`protocol ${document.protocol}, suite ${document.suite}; this verifier knows 1 and 1`);
  }
  if (!isValidatorSet(document.validators)) throw new Undecidable("a founding document with usable validators");
  const chain = hash("genesis", bytes);
  const headerId = (): Uint8Array => headerLeaf(foundingHeader(document, chain));
  return { chain, timeMs: document.timeMs, validators: document.validators, headerId };
}

/** The 288 bytes of header 0. */
function foundingHeader(document: Genesis, chain: Uint8Array): Uint8Array {
  const validators = validatorsHash(document.validators);
  const [height, time] = [u64(0n), u64(document.timeMs)];
  const [proposer, lastCommit, eventCount] = [ZERO, ZERO, u32(0)];
  return concat(
    concat(utf8("LHB1"), u32(PROTOCOL), u32(SUITE), chain, height, time, proposer, lastCommit),
    concat(
      HEADER_LOG.empty(),
      eventCount,
      TRAIL_LOG.empty(),
      mapRoot(foundingObjects(document)),
      validators,
      validators,
    ),
  );
}

/** An entry of the map: its key, and its value. */
interface Entry {
  key: Uint8Array;
  value: Uint8Array;
}

function foundingObjects(document: Genesis): Entry[] {
  const entries: Entry[] = [];
  const add = <Desc extends DescMessage>(at: Place, schema: Desc, object: MessageShape<Desc>): void => {
    entries.push({ key: mapKey(at), value: hash("object", toBinary(schema, object)) });
  };
  const nowhere = new Uint8Array(0);
  for (const it of document.departments) {
    const root = document.identities.find((one) => one.department === it.code && one.kind === IdentityKind.ROOT);
    add(place.department(it.code), DepartmentSchema, { ...it, rootId: root?.identityId ?? nowhere });
    const departments = document.departments.filter((one) => one.parent === it.code).map((one) => one.code);
    if (departments.length > 0)
      add({ kind: OBJECT.beneath, id: utf8(it.code) }, BeneathSchema, create(BeneathSchema, { departments }));
    const identityIds = document.identities.filter((one) => one.department === it.code).map((one) => one.identityId);
    if (identityIds.length > 0) add(place.roster(it.code), RosterSchema, create(RosterSchema, { identityIds }));
  }
  for (const it of document.identities) {
    const keyIds = document.keys.filter((key) => equal(key.identityId, it.identityId)).map((key) => key.keyId);
    add(place.identity(it.identityId), IdentitySchema, { ...it, keyIds });
    const name = create(IdentityNameSchema, { identityId: it.identityId });
    add({ kind: OBJECT.identityName, id: utf8(`${it.department}/${it.code}`) }, IdentityNameSchema, name);
  }
  for (const it of document.keys) add(place.key(it.keyId), KeySchema, it);
  for (const it of document.calendars) add({ kind: OBJECT.calendar, id: u32(it.year) }, CalendarSchema, it);
  const schedule = create(ValidatorScheduleSchema, { sets: [{ fromHeight: 0n, validators: document.validators }] });
  add({ kind: OBJECT.validatorSchedule, id: nowhere }, ValidatorScheduleSchema, schedule);
  add({ kind: OBJECT.peers, id: nowhere }, PeersSchema, create(PeersSchema, { peers: document.peers }));
  add({ kind: OBJECT.voters, id: nowhere }, VotersSchema, create(VotersSchema, { voters: document.voters }));
  add(place.parameters(), ParametersSchema, document.parameters ?? create(ParametersSchema));
  return entries;
}

/** The root of a map of entries with different keys. */
export function mapRoot(entries: readonly Entry[], level = 0): Uint8Array {
  const [first, second] = entries;
  if (first === undefined) return ZERO;
  if (second === undefined) return hash("mapleaf", first.key, first.value);
  const bitOf = (key: Uint8Array): number => ((key[level >> 3] ?? 0) >> (7 - (level & 7))) & 1;
  const [left, right] = [0, 1].map((bit) =>
    mapRoot(
      entries.filter((it) => bitOf(it.key) === bit),
      level + 1,
    ),
  );
  return hash("mapnode", left ?? ZERO, right ?? ZERO);
}
