/** The instant by which grants are judged: docs/spec/coverage.md, "The moment". */
import { type Dataset, type Grant, GrantState, type GrantStep, type Interval } from "./gen/liuhen/v1/ledger_pb.js";
import type { Terms } from "./gen/liuhen/v1/sharing_pb.js";

/** After a block, or at the last block not after a time. */
export type Moment = { height: bigint } | { timeMs: bigint };

/** Whether what holds from a block and a time on holds at a moment. */
function isReached(moment: Moment, height: bigint, timeMs: bigint): boolean {
  return "height" in moment ? height <= moment.height : timeMs <= moment.timeMs;
}

/** The steps that a grant had, the latest first. */
function stepsAt(grant: Grant, moment: Moment): GrantStep[] {
  return grant.steps.filter((step) => isReached(moment, step.height, step.timeMs)).reverse();
}

/** The state of a grant; unspecified before it was made. */
export function stateAt(grant: Grant, moment: Moment): GrantState {
  return stepsAt(grant, moment)[0]?.state ?? GrantState.UNSPECIFIED;
}

/** The terms of a grant: those of the latest step that has any, or those that it was made with. */
export function termsAt(grant: Grant, moment: Moment): Terms | undefined {
  return stepsAt(grant, moment).find((step) => step.terms !== undefined)?.terms ?? grant.terms;
}

/** Whether a dataset was out of the catalogue. */
export function wasRetired(dataset: Dataset, moment: Moment): boolean {
  const since = "height" in moment ? dataset.retiredHeight : dataset.retiredTimeMs;
  return since !== undefined && since <= ("height" in moment ? moment.height : moment.timeMs);
}

/** Whether intervals hold at a moment: after a block means at the height behind it. */
export function wasInForce(standing: readonly Interval[], moment: Moment): boolean {
  return standing.some((it) => {
    if ("height" in moment) {
      const height = moment.height + 1n;
      return it.fromHeight <= height && (it.untilHeight === undefined || height < it.untilHeight);
    }
    return it.fromTimeMs <= moment.timeMs && (it.untilTimeMs === undefined || moment.timeMs < it.untilTimeMs);
  });
}
