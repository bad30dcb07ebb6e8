/** How builds went over time: their sums, by when they started. */
import type { Spread, Trend, TrendBucket, TrendQuery } from "./history.js";

/** Of builds that started at about the same time. Steps and times are of those that have ended. */
export interface TrendPart {
  /** Of one of them. */
  readonly startedAtMs: number;
  readonly builds: number;
  readonly failed: number;
  readonly cacheableSteps: number;
  readonly cachedSteps: number;
  readonly savedMs: number;
  /** How long clients waited for those that ended well. */
  readonly waitsMs: readonly number[];
  /** Of those whose export is complete. */
  readonly exportLagsMs: readonly number[];
}

const P95 = 0.95;
const MEDIAN = 0.5;

export const bucketMsOf = ({ buckets, sinceMs, untilMs }: TrendQuery): number => (untilMs - sinceMs) / buckets;

/** @param parts since the window began, each of one bucket or less. */
export function trendOf(query: TrendQuery, parts: readonly TrendPart[]): Trend {
  const { buckets, sinceMs, untilMs } = query;
  const bucketMs = bucketMsOf(query);
  const byBucket = Array.from({ length: buckets }, (): TrendPart[] => []);
  for (const part of parts) {
    // The end of the window belongs to its last bucket, and so does what began later, by a clock that has gone back.
    const isLast = part.startedAtMs >= untilMs;
    byBucket[isLast ? buckets - 1 : Math.floor((part.startedAtMs - sinceMs) / bucketMs)]?.push(part);
  }
  return {
    ...{ sinceMs, untilMs, bucketMs },
    buckets: byBucket.map((own, index) => ({ startMs: sinceMs + index * bucketMs, ...sumOf(own) })),
    waitMs: spreadOf(parts.flatMap(({ waitsMs }) => waitsMs)),
    exportLagMs: spreadOf(parts.flatMap(({ exportLagsMs }) => exportLagsMs)),
  };
}

function sumOf(parts: readonly TrendPart[]): Omit<TrendBucket, "startMs"> {
  const total = (of: (part: TrendPart) => number): number => parts.reduce((sum, part) => sum + of(part), 0);
  return {
    builds: total(({ builds }) => builds),
    failed: total(({ failed }) => failed),
    cacheableSteps: total(({ cacheableSteps }) => cacheableSteps),
    cachedSteps: total(({ cachedSteps }) => cachedSteps),
    savedMs: total(({ savedMs }) => savedMs),
    waitMs: spreadOf(parts.flatMap(({ waitsMs }) => waitsMs)),
    exportLagMs: spreadOf(parts.flatMap(({ exportLagsMs }) => exportLagsMs)),
  };
}

/** Each figure is one of the durations: the least that so many of them do not exceed. */
export function spreadOf(durationsMs: readonly number[]): Spread {
  const sorted = Float64Array.from(durationsMs).sort();
  const atMost = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
  return { count: sorted.length, medianMs: atMost(MEDIAN), p95Ms: atMost(P95) };
}
