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
  dayHeights: 172,
  proposerTurns: 173,
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
  ledger.DayHeightsSchema,
  ledger.ProposerTurnsSchema,
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

/** A place as people read it, its id by the form of its kind: `4:civil.resident`; bytes of another form as bytes. */
export function nameOf(place: Place): string {
  const text = readId(place);
  return `${place.kind}:${text ?? `0x${hex(place.id)}`}`;
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

/** Whether there are trails of this kind. */
export function isTrailKind(kind: number): boolean {
  return kind >= TRAIL.key && kind <= TRAIL.bulkTags;
}

/** Whether some trail of this kind could have this id. Of another, «there are no events» would be true, and mislead. */
export function takesTrailId(kind: number, id: Uint8Array): boolean {
  return isTrailKind(kind) && readId({ kind, id }) !== undefined;
}

/** Whether some object of this kind could have this id. Of another, «there is none» would be true, and mislead. */
export function takesObjectId(kind: number, id: Uint8Array): boolean {
  return objectSchema(kind) !== undefined && id.length <= OBJECT_ID_BYTES && readId({ kind, id }) !== undefined;
}

/** A piece of an id: a code, 32 bytes, a number of so many bytes, one byte, or whatever is left, one byte at least. */
type Piece = "code" | "hash" | "rest" | { number: number } | { byte: number };

const U64: Piece = { number: 8 };
const U32: Piece = { number: 4 };
const U8: Piece = { number: 1 };
const SLASH: Piece = { byte: 0x2f };

/** The forms of ids, by the kinds that have them: docs/spec/encoding.md, "Kinds of trails" and "Kinds of objects". */
const FORMS: readonly [kinds: readonly number[], form: readonly Piece[]][] = [
  [[10, 136, 138, 142, 143, 144, 145], []],
  [[2, 4, 9, 14, 15, 16, 128, 131, 139, 151, 159, 162, 170, 171], ["code"]],
  [[1, 3, 5, 6, 8, 11, 12, 13, 17], ["hash"]],
  [[129, 130, 132, 133, 134, 135, 147, 150, 155, 156, 161, 164, 165, 166, 167], ["hash"]],
  [[7], ["code", "hash"]],
  [
    [18, 154, 157],
    ["hash", U64],
  ],
  [[137], [U64]],
  [[146, 158], [U32]],
  [
    [140, 148],
    ["code", SLASH, "code"],
  ],
  [[149], ["code", SLASH, "code", SLASH, "hash"]],
  [[141], [U64, U8, "rest"]],
  [[152], ["hash", U64, "code"]],
  [[153], ["hash", "hash", U64, "code"]],
  [[159], [{ byte: 0xff }, "hash"]],
  [
    [160, 163],
    [U64, "code"],
  ],
  [[168], ["hash", U64, U32, U8]],
  [[169], [{ byte: 128 }, "code", U64]],
  [[169], [{ byte: 131 }, "code", U64]],
  [[169], [{ byte: 133 }, "hash", U64]],
  [[169], [{ byte: 136 }, U64]],
  [[169], [{ byte: 143 }, U64]],
];

/** An id by a form of its kind: pieces with a slash between, before numbers `#`; `undefined` for bytes of no such form. */
function readId({ kind, id }: Place): string | undefined {
  for (const [kinds, form] of FORMS) {
    const text = kinds.includes(kind) ? readForm(form, id) : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

function readForm(form: readonly Piece[], id: Uint8Array): string | undefined {
  let text = "";
  let rest = id;
  for (const [at, piece] of form.entries()) {
    const length = lengthOf(piece, form.slice(at + 1), rest);
    if (length === undefined || length < 0 || length > rest.length) return undefined;
    const shown = readPiece(piece, rest.subarray(0, length));
    if (shown === undefined) return undefined;
    if (text !== "" && shown !== "" && !shown.startsWith("#")) text += "/";
    text += shown;
    rest = rest.subarray(length);
  }
  return rest.length === 0 ? text : undefined;
}

function readPiece(piece: Piece, bytes: Uint8Array): string | undefined {
  if (piece === "code") return isCodeBytes(bytes) ? textOf(bytes) : undefined;
  if (piece === "hash") return hex(bytes);
  if (piece === "rest") return bytes.length > 0 ? hex(bytes) : undefined;
  if ("byte" in piece) return bytes[0] === piece.byte ? "" : undefined;
  return `#${BigInt(`0x${hex(bytes)}`)}`;
}

/** How many bytes a piece has, of an id that goes on with those behind it. */
function lengthOf(piece: Piece, behind: readonly Piece[], id: Uint8Array): number | undefined {
  if (piece === "rest") return id.length;
  if (piece !== "code") return fixedLength(piece);
  if (behind[0] === SLASH) {
    const slash = id.indexOf(0x2f);
    return slash < 0 ? undefined : slash;
  }
  const fixed = behind.reduce((sum, it) => sum + (fixedLength(it) ?? Number.NaN), 0);
  return Number.isNaN(fixed) ? undefined : id.length - fixed;
}

function fixedLength(piece: Piece): number | undefined {
  if (piece === "hash") return 32;
  if (piece === "code" || piece === "rest") return undefined;
  return "byte" in piece ? 1 : piece.number;
}

/** Whether a text is a code: 1 to 64 of a-z 0-9 . _ -, beginning with a letter or digit. */
export function isCode(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(text);
}

function isCodeBytes(bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  return text !== undefined && isCode(text);
}
