/** Subject: all that stands of a data subject, by its tags, in a range. */
import { compare, compareText, equal, hex, isAscending, utf8 } from "../bytes.js";
import { dayOf } from "../calendar.js";
import { type Event, anyRecordOf } from "../events.js";
import type { File, Shown } from "../file.js";
import { BulkSetSchema, SealedCountSchema, type UnknownCount, UnknownCountSchema } from "../gen/liuhen/v1/accountability_pb.js";
import type { BulkMembership, SubjectClaim, SubjectTrails } from "../gen/liuhen/v1/proof_pb.js";
import { type BulkSubjects, Decision } from "../gen/liuhen/v1/access_pb.js";
import { HASH_BYTES, hash } from "../hash.js";
import { needHashes } from "../hashes.js";
import { TRAIL_LOG, rootOfRange } from "../merkle.js";
import { TRAIL, nameOf, place, textKey } from "../places.js";
import { subjectTrail } from "../trails.js";
import { Undecidable, demand } from "../verdict.js";
import { type Range, complete, describeRange, isSameRange } from "./completeness.js";
import { caveatsOf } from "./inclusion.js";
import { checkAbsent } from "./state.js";

/** Sealed records are counted by months of 30 local days (+08:00) since the Unix epoch. */
const MONTH_DAYS = 30n;
/** The newest month that is told lies this many before the anchor's. */
const TOLD_LATE = 2n;

/** What comes of a file's subjects, all together. */
interface Found {
  events: Event[];
  /** Records of bulk sets that hold a tag; of sets whose tags are not all there yet. */
  inBulk: number;
  openBulk: number;
  /** What each collector's records leave unknown. */
  unknown: Map<string, UnknownCount>;
}

export function subject(claim: SubjectClaim, file: File): Shown {
  const { subjects } = claim;
  checkSealedFrom(claim, file);
  const order = (a: SubjectTrails, b: SubjectTrails): number =>
    compareText(a.collector, b.collector) || compare(a.tag, b.tag);
  demand(subjects.length > 0 && isAscending(subjects, order), "subject.tags", "no tags, strictly ascending");
  const found: Found = { events: [], inBulk: 0, openBulk: 0, unknown: new Map() };
  const ranges = subjects.map((one) => checkSubject(one, file, found));
  const range = ranges[0] as Range;
  const areOfOneRange = ranges.every((it) => isSameRange(it, range));
  demand(areOfOneRange, "subject.range", "not one range");
  const sealed = checkSealed(claim, file);
  const tags = subjects.map(({ collector, tag }) => `${collector}/${hex(tag)}`).join(", ");
  const shows = `these ${found.events.length} events are all of the tags ${tags} and their collectors' bulk records ${describeRange(range)}; ${found.inBulk} bulk sets hold a tag`;
  return { shows, caveats: [...caveatsOf(found.events), ...caveats(found, sealed)] };
}

function caveats({ unknown, openBulk }: Found, sealed: bigint): string[] {
  const list = ["nothing is said of other collectors and years, whose tags are others"];
  for (const [collector, { subjects, uncounted, untold }] of unknown) {
    const left = [
      ...(subjects > 0n ? [`${subjects} subjects unknown`] : []),
      ...(uncounted > 0n ? [`those of ${uncounted} records uncounted`] : []),
      ...(untold > 0n ? [`the datasets of ${untold} records untold`] : []),
    ];
    if (left.length > 0) list.push(`records of ${collector} leave ${left.join(", ")}, since genesis`);
  }
  if (openBulk > 0) list.push(`${openBulk} bulk sets are not complete yet, and say nothing`);
  if (sealed > 0n) list.push(`${sealed} records were sealed by lawful decision in the months told`);
  return list;
}

function checkSubject(it: SubjectTrails, file: File, found: Found): Range {
  const { collector, tag } = it;
  demand(tag.length === HASH_BYTES, "subject.tags", "a tag has 32 bytes");
  const listed = complete(it.listed, file);
  const unlisted = complete(it.unlisted, file);
  const areOwn =
    textKey(listed.trail) === textKey(subjectTrail(collector, tag)) &&
    textKey(unlisted.trail) === textKey({ kind: TRAIL.unlisted, id: utf8(collector) });
  demand(areOwn, "subject.trail", "not the tag's own trails");
  demand(isSameRange(listed.range, unlisted.range), "subject.range", "not one range");
  found.events.push(...listed.events, ...unlisted.events);
  checkBulk(it, unlisted.events, file, found);
  checkUnknown(it, file, found);
  return listed.range;
}

/** A record of a bulk set that was served, by the gateway's numbering. */
interface BulkRecord {
  gateway: Uint8Array;
  accessNo: bigint;
  bulk: BulkSubjects;
}

function checkBulk({ tag, bulk }: SubjectTrails, unlisted: readonly Event[], file: File, found: Found): void {
  let used = 0;
  for (const event of unlisted) {
    const record = bulkRecordOf(event);
    if (record === undefined) continue;
    const set = file.objects.need(place.bulkSet(record.gateway, record.accessNo), BulkSetSchema);
    const isTheirs = set.count === record.bulk.count && equal(set.root, record.bulk.root);
    demand(isTheirs, "subject.bulk", "a bulk set that is not the record's");
    if (!set.complete) {
      found.openBulk += 1;
      continue;
    }
    const membership = bulk[used++];
    demand(membership !== undefined, "subject.bulk", "whether the tag is in a bulk set is not shown");
    if (isMember(membership, tag, set.count, set.root)) found.inBulk += 1;
  }
  demand(used === bulk.length, "file.unused", "more is shown of bulk sets than there are");
}

function bulkRecordOf(event: Event): BulkRecord | undefined {
  const found = anyRecordOf(event);
  const bulk = found?.record.subjects?.bulk;
  if (found === undefined || bulk === undefined || found.record.decision === Decision.DENIED) return undefined;
  return { gateway: found.gateway, accessNo: found.record.accessNo, bulk };
}

/** Whether a tag is in a bulk set; throws where neither is shown. */
function isMember({ first, tags, hashes }: BulkMembership, tag: Uint8Array, count: bigint, root: Uint8Array): boolean {
  needHashes(hashes);
  const leaves = tags.map((it) => hash("tagleaf", it));
  const found = rootOfRange(TRAIL_LOG, count, first, leaves, hashes);
  demand(found !== undefined && equal(found, root), "subject.bulk", "not tags of the set, side by side");
  const [one, other] = tags;
  if (tags.length === 1 && one !== undefined && equal(one, tag)) return true;
  const isBetween =
    tags.length === 2 && one !== undefined && other !== undefined && compare(one, tag) < 0 && compare(tag, other) < 0;
  const isBeforeFirst = tags.length === 1 && one !== undefined && first === 0n && compare(tag, one) < 0;
  const isBehindLast = tags.length === 1 && one !== undefined && first + 1n === count && compare(one, tag) < 0;
  demand(isBetween || isBeforeFirst || isBehindLast, "subject.bulk", "neither holds the tag nor is shown not to");
  return false;
}

/** What a collector's records leave unknown, or that they leave nothing. */
function checkUnknown({ collector, noUnknown }: SubjectTrails, file: File, found: Found): void {
  const at = place.unknownCount(collector);
  const count = file.objects.find(at, UnknownCountSchema);
  if (count !== undefined) {
    demand(noUnknown === undefined, "file.unused", "that there are no unknown subjects, and how many");
    found.unknown.set(collector, count);
    return;
  }
  if (noUnknown === undefined) throw new Undecidable(`object ${nameOf(at)}, or that there is none`);
  checkAbsent(at, noUnknown, file);
}

function monthOf(timeMs: bigint): bigint {
  return dayOf(timeMs) / MONTH_DAYS;
}

/** Who knows genesis is told of every month; who trusts a checkpoint, from which month on. */
function checkSealedFrom({ sealedFrom }: SubjectClaim, { trust }: File): void {
  const isSince = !("founding" in trust) || BigInt(sealedFrom) === monthOf(trust.founding.timeMs);
  demand(isSince, "subject.sealed", "not every month since genesis");
}

/** How many records were sealed in the months from `sealed_from` to the second before the anchor's. */
function checkSealed({ sealedFrom, unsealed }: SubjectClaim, file: File): bigint {
  const last = monthOf(file.anchor.timeMs) - TOLD_LATE;
  let sealed = 0n;
  let used = 0;
  for (let month = BigInt(sealedFrom); month <= last; month++) {
    const at = place.sealedCount(Number(month));
    const count = file.objects.find(at, SealedCountSchema);
    if (count !== undefined) {
      sealed += count.sealed;
      continue;
    }
    const nothing = unsealed[used];
    const isOfMonth = nothing !== undefined && BigInt(nothing.month) === month;
    if (!isOfMonth || nothing.path === undefined)
      throw new Undecidable(`object ${nameOf(at)}, or that there is none`);
    checkAbsent(at, nothing.path, file);
    used += 1;
  }
  demand(used === unsealed.length, "file.unused", "months that are not told, or not in order");
  return sealed;
}
