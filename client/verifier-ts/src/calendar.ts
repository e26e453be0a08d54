/** Local days and hours: +08:00, all the year. */
const OFFSET_MS = 8n * 3_600_000n;
const DAY_MS = 24n * 3_600_000n;
const MINUTE_MS = 60_000n;

/** The local day of a time in milliseconds: 0 is 1970-01-01. */
export function dayOf(timeMs: bigint): bigint {
  return (timeMs + OFFSET_MS) / DAY_MS;
}

/** The minute of the local day. */
export function minuteOf(timeMs: bigint): number {
  return Number(((timeMs + OFFSET_MS) % DAY_MS) / MINUTE_MS);
}

/** The local weekday: 0 for Monday. 1970-01-01 was a Thursday. */
export function weekdayOf(timeMs: bigint): number {
  return Number((dayOf(timeMs) + 3n) % 7n);
}
