/**
 * Places of the map: a trail or an object is of a kind, a byte, and has an id. Names and ids are those of
 * docs/spec/encoding.md, "Kinds of trails" and "Kinds of objects".
 */
import type { DescMessage } from "@bufbuild/protobuf";
import { concat, hex, textOf, u32, u64, u8, utf8 } from "./bytes.js";
import * as accountability from "./gen/liuhen/v1/accountability_pb.js";
import { CalendarSchema, ParametersSchema } from "./gen/liuhen/v1/consortium_pb.js";
import * as ledger from "./gen/liuhen/v1/ledger_pb.js";
import { hash } from "./hash.js";

export interface Place {
  kind: number;
  id: Uint8Array;
}

/** Kinds of trails. */
export const TRAIL = {
  key: 1,
  department: 2,
  identity: 3,
  dataset: 4,
  grant: 5,
  use: 6,
  subject: 7,
  case: 8,
  integrity: 9,
  governance: 10,
  identityIntegrity: 11,
  acknowledgements: 12,
  gateway: 13,
  sealed: 14,
  unlisted: 15,
  alert: 16,
  product: 17,
  bulkTags: 18,
} as const;

/** Kinds of objects that a verifier reads itself. */
export const OBJECT = {
  department: 128,
  identity: 129,
  key: 130,
  dataset: 131,
  grant: 133,
  grantUse: 134,
  parameters: 136,
  recentBlock: 137,
  recentWindow: 138,
  beneath: 139,
  identityName: 140,
  voters: 142,
  validatorSchedule: 143,
  peers: 144,
  calendar: 146,
  bulkSet: 154,
  sealedCount: 158,
  former: 169,
  roster: 170,
  unknownCount: 171,
} as const;

/** The message of every kind of object, from 128 on. */
const OBJECT_SCHEMAS: readonly DescMessage[] = [
  ledger.DepartmentSchema,
  ledger.IdentitySchema,
  ledger.KeySchema,
  ledger.DatasetSchema,
  ledger.RequestSchema,
  ledger.GrantSchema,
  ledger.GrantUseSchema,
  accountability.GatewaySchema,
  ParametersSchema,
  ledger.RecentBlockSchema,
  ledger.RecentWindowSchema,
  ledger.BeneathSchema,
  ledger.IdentityNameSchema,
  ledger.TimerSchema,
  ledger.VotersSchema,
  ledger.ValidatorScheduleSchema,
  ledger.PeersSchema,
  ledger.ProtocolScheduleSchema,
  CalendarSchema,
  ledger.ProposalSchema,
  ledger.AuditSchema,
  ledger.UnopenedReadSchema,
  accountability.GatewaySetupSchema,
  accountability.DatasetGatewaysSchema,
  accountability.HalvesSchema,
  accountability.HalfSchema,
  accountability.BulkSetSchema,
  accountability.CorrectionSchema,
  accountability.SealingOrderSchema,
  accountability.SealedAccessSchema,
  accountability.SealedCountSchema,
  accountability.ScoreSchema,
  accountability.IntegrityEventSchema,
  accountability.JoinedSchema,
  accountability.AlertBookSchema,
  accountability.AlertSchema,
  accountability.IdentityWatchSchema,
  accountability.CaseSchema,
  accountability.ProductSchema,
  accountability.GrantProductsSchema,
  accountability.DoubleVoteSchema,
  ledger.FormerSchema,
  ledger.RosterSchema,
  accountability.UnknownCountSchema,
];
const FIRST_OBJECT = 128;

/** Bytes of an object's id at most: two ids, a number and a code. */
export const OBJECT_ID_BYTES = 2 * 32 + 8 + 64;

/** The message of a kind of object; `undefined` for a kind that there is not. */
export function objectSchema(kind: number): DescMessage | undefined {
  return OBJECT_SCHEMAS[kind - FIRST_OBJECT];
}

/** `H_key(kind u8 ‖ id)`: where a place stands in the map. */
export function mapKey(place: Place): Uint8Array {
  return hash("key", u8(place.kind), place.id);
}

/** A place as a text that no other place has, for sets and maps. */
export function textKey(place: Place): string {
  return `${place.kind}:${hex(place.id)}`;
}

/** A place as people read it: `4:civil.resident`. */
export function nameOf(place: Place): string {
  const text = textOf(place.id);
  const isPlain = text !== undefined && /^[\x21-\x7e]*$/.test(text);
  return `${place.kind}:${isPlain ? text : `0x${hex(place.id)}`}`;
}

export const place = {
  department: (code: string): Place => ({ kind: OBJECT.department, id: utf8(code) }),
  identity: (id: Uint8Array): Place => ({ kind: OBJECT.identity, id }),
  key: (id: Uint8Array): Place => ({ kind: OBJECT.key, id }),
  dataset: (code: string): Place => ({ kind: OBJECT.dataset, id: utf8(code) }),
  grant: (request: Uint8Array): Place => ({ kind: OBJECT.grant, id: request }),
  grantUse: (request: Uint8Array): Place => ({ kind: OBJECT.grantUse, id: request }),
  parameters: (): Place => ({ kind: OBJECT.parameters, id: new Uint8Array(0) }),
  roster: (code: string): Place => ({ kind: OBJECT.roster, id: utf8(code) }),
  unknownCount: (code: string): Place => ({ kind: OBJECT.unknownCount, id: utf8(code) }),
  sealedCount: (month: number): Place => ({ kind: OBJECT.sealedCount, id: u32(month) }),
  bulkSet: (gateway: Uint8Array, accessNo: bigint): Place => ({
    kind: OBJECT.bulkSet,
    id: concat(gateway, u64(accessNo)),
  }),
  /** What the object at `of` was until a block. */
  former: (of: Place, until: bigint): Place => ({ kind: OBJECT.former, id: concat(u8(of.kind), of.id, u64(until)) }),
};

const IDS_OF_32_BYTES: ReadonlySet<number> = new Set([
  TRAIL.key,
  TRAIL.identity,
  TRAIL.grant,
  TRAIL.use,
  TRAIL.case,
  TRAIL.identityIntegrity,
  TRAIL.acknowledgements,
  TRAIL.gateway,
  TRAIL.product,
]);

/** Whether there are trails of this kind. */
export function isTrailKind(kind: number): boolean {
  return kind >= TRAIL.key && kind <= TRAIL.bulkTags;
}

/** Whether some trail of this kind could have this id. Of another, «there are no events» would be true, and mislead. */
export function takesTrailId(kind: number, id: Uint8Array): boolean {
  if (IDS_OF_32_BYTES.has(kind)) return id.length === 32;
  switch (kind) {
    case TRAIL.governance:
      return id.length === 0;
    case TRAIL.subject:
      return id.length > 32 && isCodeBytes(id.subarray(0, id.length - 32));
    case TRAIL.bulkTags:
      return id.length === 40;
    default:
      return isCodeBytes(id);
  }
}

/** Whether a text is a code: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit. */
export function isCode(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(text);
}

function isCodeBytes(bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  return text !== undefined && isCode(text);
}
