/** Completeness: these are all events of a trail in a range. */
import { equal, isAscending } from "../bytes.js";
import { type Event, isOn, keyNumberOf } from "../events.js";
import type { File, Shown } from "../file.js";
import { type CompletenessClaim, RangeKind } from "../gen/liuhen/v1/proof_pb.js";
import { needHashes } from "../hashes.js";
import type { Header } from "../header.js";
import { type Leaf, parseLeaf } from "../leaf.js";
import { TRAIL_LOG, rootOfRange } from "../merkle.js";
import { type Place, TRAIL, nameOf } from "../places.js";
import { Undecidable, demand } from "../verdict.js";
import { checkHead } from "./head.js";
import { caveatsOf, caveatsOfTrail } from "./inclusion.js";

/** A stretch of a trail, all of it. */
export interface Stretch {
  trail: Place;
  range: Range;
  events: Event[];
}

/** Which part of a trail: all of it up to the anchor; heights or block times [from, until). */
export interface Range {
  kind: RangeKind;
  from: bigint;
  until: bigint;
}

/** Checks that the events are all of a trail in a range. */
export function complete(claim: CompletenessClaim | undefined, file: File): Stretch {
  demand(claim !== undefined, "claim.none", "no trail is claimed");
  const trail = checkHead(claim, file);
  const isEmpty = claim.size === 0n;
  demand(!isEmpty || hasNothing(claim), "trail.head", "leaves of a trail that has none");
  const range = readRange(claim);
  const events = claim.events.map((given) => {
    const event = file.events.read(given);
    demand(isOn(event, trail), "trail.stranger", `an event of another trail than ${nameOf(trail)}`);
    return event;
  });
  if (!isEmpty) checkStretch(claim, range, events);
  checkReach(range, file.anchor);
  return { trail, range, events };
}

/** The events fill the range without a gap, between neighbours outside of it, or the trail's ends. */
function checkStretch(claim: CompletenessClaim, range: Range, events: readonly Event[]): void {
  const before = neighbour(claim.leafBefore);
  const after = neighbour(claim.leafAfter);
  const leaves = [...(before ? [before] : []), ...events.map((it) => it.leaf), ...(after ? [after] : [])];
  checkOrder(leaves);
  checkSides(range, events, before, after);
  needHashes(claim.hashes);
  const root = rootOfRange(
    TRAIL_LOG,
    claim.size,
    claim.first,
    leaves.map((it) => it.hash),
    claim.hashes,
  );
  demand(root !== undefined && equal(root, claim.root), "range.gap", "not a stretch of this trail");
  const reachesBegin = before !== undefined || claim.first === 0n;
  const reachesEnd = after !== undefined || claim.first + BigInt(leaves.length) === claim.size;
  demand(reachesBegin && reachesEnd, "range.gap", "no neighbour where the trail goes on");
  const firstEvent = claim.first + (before ? 1n : 0n);
  const areNumbered =
    claim.trailKind !== TRAIL.key || events.every((it, at) => keyNumberOf(it) === firstEvent + BigInt(at));
  demand(areNumbered, "trail.number", "an event under another number than it states");
}

function readRange({ range: kind, from, until }: CompletenessClaim): Range {
  const isWhole = kind === RangeKind.WHOLE && from === 0n && until === 0n;
  const isBetween = (kind === RangeKind.HEIGHTS || kind === RangeKind.TIMES) && from < until;
  demand(isWhole || isBetween, "range.malformed", "not a range of heights or times");
  return { kind, from, until };
}

/** Blocks behind the anchor have greater heights and times: a range that reaches them can't be told. */
function checkReach({ kind, until }: Range, anchor: Header): void {
  if (kind === RangeKind.WHOLE) return;
  const last = kind === RangeKind.HEIGHTS ? anchor.height : anchor.timeMs;
  if (until > last + 1n)
    throw new Undecidable(`what came after the anchor: the range ends at ${until}, beyond ${last}`);
}

/** Whether a claim holds nothing of a trail. */
function hasNothing({ first, leafBefore, leafAfter, events, hashes }: CompletenessClaim): boolean {
  return first === 0n && leafBefore.length + leafAfter.length + events.length + hashes.length === 0;
}

function neighbour(bytes: Uint8Array): Leaf | undefined {
  return bytes.length > 0 ? parseLeaf(bytes) : undefined;
}

/** Events lie within the range, their neighbours outside. */
function checkSides(range: Range, events: readonly Event[], before?: Leaf, after?: Leaf): void {
  const side = (leaf: Leaf): "before" | "within" | "behind" => {
    if (range.kind === RangeKind.WHOLE) return "within";
    const at = range.kind === RangeKind.HEIGHTS ? leaf.height : leaf.timeMs;
    return at < range.from ? "before" : at < range.until ? "within" : "behind";
  };
  demand(before === undefined || side(before) === "before", "range.gap", "the neighbour before is not outside");
  demand(after === undefined || side(after) === "behind", "range.gap", "the neighbour behind is not outside");
  demand(
    events.every((it) => side(it.leaf) === "within"),
    "range.gap",
    "an event outside the range",
  );
}

/** Leaves ascend by height, those of a block by their places in it. */
function checkOrder(leaves: readonly Leaf[]): void {
  const order = (a: Leaf, b: Leaf): number =>
    a.height === b.height ? a.index - b.index : a.height < b.height ? -1 : 1;
  demand(isAscending(leaves, order), "range.gap", "leaves are out of order");
}

/** Whether two ranges are the same. */
export function isSameRange(a: Range, b: Range): boolean {
  return a.kind === b.kind && a.from === b.from && a.until === b.until;
}

/** A range in words. */
export function describeRange({ kind, from, until }: Range): string {
  if (kind === RangeKind.WHOLE) return "up to the anchor";
  return `with ${kind === RangeKind.HEIGHTS ? "heights" : "block times"} from ${from} until before ${until}`;
}

export function completeness(claim: CompletenessClaim, file: File): Shown {
  const { trail, range, events } = complete(claim, file);
  const shows = `these ${events.length} events are all of trail ${nameOf(trail)} ${describeRange(range)}`;
  return { shows, caveats: [...caveatsOf(events), ...caveatsOfTrail(trail)] };
}
