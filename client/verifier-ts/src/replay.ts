/**
 * The state before a record, told from what stands at the anchor: docs/spec/coverage.md, "Taking the state
 * back". What can't be taken back is missing, and the verdict UNDECIDABLE.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { concat, equal, u8 } from "./bytes.js";
import { tryDecode } from "./canonical.js";
import { dayOf } from "./calendar.js";
import { type Parameters, ParametersSchema } from "./gen/liuhen/v1/consortium_pb.js";
import {
  type Dataset,
  DatasetSchema,
  type Department,
  DepartmentSchema,
  FormerSchema,
  type Grant,
  GrantSchema,
  type GrantUse,
  GrantUseSchema,
  type Identity,
  IdentitySchema,
  type Interval,
} from "./gen/liuhen/v1/ledger_pb.js";
import { Channel, type RecordAccess } from "./gen/liuhen/v1/access_pb.js";
import type { Header } from "./header.js";
import type { Leaf } from "./leaf.js";
import type { Objects } from "./objects.js";
import { OBJECT, type Place, nameOf, place } from "./places.js";
import { Undecidable } from "./verdict.js";

const OBJECT_BYTES = 16 * 1024 * 1024;
const HOUR_MS = 3_600_000n;

/**
 * The day on whose quota a record counts. A time in the future counts on the day of its block; and so does what a door or a
 * service, which say so at once, said later than an hour.
 */
export function dayOfUse(record: RecordAccess, blockTimeMs: bigint): bigint {
  const time = record.accessTimeMs < blockTimeMs ? record.accessTimeMs : blockTimeMs;
  const isSaidAtOnce = record.channel !== Channel.DOOR && record.channel !== Channel.API;
  return dayOf(isSaidAtOnce || blockTimeMs - time <= HOUR_MS ? time : blockTimeMs);
}

export class StateBefore {
  /** Heights of blocks that were asked for. */
  readonly heights = new Set<bigint>();

  /** `headers`: blocks below the anchor, by height. */
  constructor(
    private readonly objects: Objects,
    private readonly headers: ReadonlyMap<bigint, Header>,
    readonly leaf: Leaf,
    private readonly record: RecordAccess,
  ) {}

  department(code: string): Department {
    const at = place.department(code);
    const it = this.stood(at, DepartmentSchema, this.objects.need(at, DepartmentSchema));
    return { ...it, standing: this.standing(at, it.standing) };
  }

  identity(id: Uint8Array): Identity {
    const at = place.identity(id);
    const it = this.objects.need(at, IdentitySchema);
    return { ...it, standing: this.standing(at, it.standing) };
  }

  parameters(): Parameters {
    const at = place.parameters();
    return this.stood(at, ParametersSchema, this.objects.need(at, ParametersSchema));
  }

  /** A dataset; `undefined` where it was registered later. */
  dataset(code: string): Dataset | undefined {
    const at = place.dataset(code);
    const now = this.objects.need(at, DatasetSchema);
    if (!this.was(at, now.registeredHeight)) return undefined;
    const { retiredHeight, retiredTimeMs, ...stood } = this.stood(at, DatasetSchema, now);
    if (now.retiredHeight === undefined || !this.was(at, now.retiredHeight)) return stood;
    return {
      ...stood,
      retiredHeight: now.retiredHeight,
      ...(now.retiredTimeMs !== undefined && { retiredTimeMs: now.retiredTimeMs }),
    };
  }

  /** A grant with the steps that it had; `undefined` where it was made later. */
  grant(request: Uint8Array): Grant | undefined {
    const at = place.grant(request);
    const now = this.objects.need(at, GrantSchema);
    if (!this.was(at, now.steps[0]?.height ?? 0n)) return undefined;
    const stood = this.stood(at, GrantSchema, now);
    const end = stood.steps.findIndex((step) => !this.was(at, step.height));
    return { ...stood, steps: end < 0 ? stood.steps : stood.steps.slice(0, end) };
  }

  /** The most that can have been used of a grant, or set aside by others, before the record, which the counters at the anchor count too. */
  used(request: Uint8Array): GrantUse {
    const now = atMost(this.objects.need(place.grantUse(request), GrantUseSchema));
    const less = (count: bigint, by: bigint): bigint => (count > by ? count - by : 0n);
    const { statementDigest, rowCount } = this.record;
    // Whether it was the first of its statement is not known: it is counted at the anchor, and adds nothing to that.
    if (statementDigest.length > 0) return { ...now, statements: [statementDigest] };
    const rows = rowCount ?? 0n;
    const day = dayOfUse(this.record, this.leaf.timeMs);
    const days = now.days.map((it) =>
      it.day === day ? { ...it, queries: less(it.queries, 1n), rows: less(it.rows, rows) } : it,
    );
    return { ...now, queries: less(now.queries, 1n), rows: less(now.rows, rows), days };
  }

  /** The time of a block of the window of recent ones; `undefined` where it had left the window. */
  recentBlock(height: bigint): bigint | undefined {
    const { timeMs } = this.block(height);
    const isParent = height + 1n === this.leaf.height;
    if (isParent) return timeMs;
    const age = this.leaf.timeMs > timeMs ? this.leaf.timeMs - timeMs : 0n;
    return age > this.recentAge(height) ? undefined : timeMs;
  }

  /** The time of the oldest block of the window of recent ones. */
  oldestRecent(): bigint {
    const age = this.recentAge(this.leaf.height);
    const from = this.leaf.timeMs > age ? this.leaf.timeMs - age : 0n;
    const parent = this.block(this.leaf.height > 0n ? this.leaf.height - 1n : 0n);
    // The block before stays, however old it is.
    if (parent.timeMs < from) return this.recentBlock(parent.height) ?? 0n;
    const oldest = this.firstBlockFrom(from);
    if (oldest > 0n) this.heights.add(oldest - 1n);
    this.heights.add(oldest);
    this.recentAge(oldest);
    return this.recentBlock(oldest) ?? 0n;
  }

  /** How old recent blocks may be, which must not have changed since a block. */
  private recentAge(from: bigint): bigint {
    const parameters = this.parameters();
    if (parameters.sinceHeight > from) throw this.missing(place.parameters());
    return parameters.recentBlockAgeMs;
  }

  private block(height: bigint): Header {
    this.heights.add(height);
    const header = this.headers.get(height);
    if (header === undefined) throw new Undecidable(`header ${height}, or what it says of recent blocks`);
    return header;
  }

  /** The height of the first block at this time or later, told by the file's headers. */
  private firstBlockFrom(timeMs: bigint): bigint {
    const ascending = [...this.headers.values()].sort((a, b) => (a.height < b.height ? -1 : 1));
    const first = ascending.find((it) => it.timeMs >= timeMs);
    const before = first && this.headers.get(first.height - 1n);
    const isFirst = first !== undefined && (first.height === 0n || (before !== undefined && before.timeMs < timeMs));
    if (!isFirst) throw new Undecidable(`the first block at ${timeMs} ms or later, and the one before`);
    return first.height;
  }

  /** Whether what a block did was there before the record. Of the record's own block that can't be said. */
  private was(at: Place, height: bigint): boolean {
    if (height === this.leaf.height) throw this.missing(at);
    return height < this.leaf.height;
  }

  private missing(at: Place): Undecidable {
    return new Undecidable(`object ${nameOf(at)}, as it stood before height ${this.leaf.height}`);
  }

  /** An object of which former states are kept, as it stood. */
  private stood<Desc extends DescMessage>(at: Place, schema: Desc, now: MessageShape<Desc> & { sinceHeight: bigint }) {
    if (this.was(at, now.sinceHeight)) return now;
    const former = this.former(at);
    if (former === undefined || !this.was(at, former.sinceHeight)) throw this.missing(at);
    const object = tryDecode(schema, former.object, OBJECT_BYTES);
    if (object === undefined) throw this.missing(at);
    return object as typeof now;
  }

  /** What was kept of an object until the first block above the record's. */
  private former(of: Place) {
    const prefix = concat(u8(of.kind), of.id);
    let first: bigint | undefined;
    for (const { kind, id } of this.objects.places()) {
      const isOfIt =
        kind === OBJECT.former && id.length === prefix.length + 8 && equal(id.subarray(0, prefix.length), prefix);
      if (!isOfIt) continue;
      const until = id.subarray(prefix.length).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
      if (until > this.leaf.height && (first === undefined || until < first)) first = until;
    }
    return first === undefined ? undefined : this.objects.find(place.former(of, first), FormerSchema);
  }

  /** The intervals that had begun, with ends that had come. A change by block b holds from b + 1 on. */
  private standing(at: Place, all: readonly Interval[]): Interval[] {
    const standing: Interval[] = [];
    for (const it of all) {
      if (it.fromHeight > 0n && !this.was(at, it.fromHeight - 1n)) break;
      const hadEnded = it.untilHeight !== undefined && this.was(at, it.untilHeight > 0n ? it.untilHeight - 1n : 0n);
      const { untilHeight: _height, untilTimeMs: _time, ...open } = it;
      standing.push(hadEnded ? it : open);
    }
    // It may have been there, not in force yet, or not at all.
    if (standing.length === 0) throw this.missing(at);
    return standing;
  }
}

/** The counters with all that gateways may have set aside beside what was used: it was never more than this. */
export function atMost(now: GrantUse): GrantUse {
  const greater = (one: bigint, other: bigint): bigint => (one > other ? one : other);
  const most = <T extends { queries: bigint; rows: bigint; mostQueries: bigint; mostRows: bigint }>(it: T): T => ({
    ...it,
    queries: greater(it.queries, it.mostQueries),
    rows: greater(it.rows, it.mostRows),
  });
  return { ...most(now), leases: [], days: now.days.map((it) => most(it)) };
}
