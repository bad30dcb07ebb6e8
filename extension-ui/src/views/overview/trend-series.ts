/** A trend as the charts take it, and as a table says it. */
import type { Trend } from "../../api/openapi.js";
import { formatDuration, formatShare } from "../../parts/format.js";

type Bucket = Trend["buckets"][number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The time where the window is a day at most, the day where buckets are days, else both. */
export function bucketLabel(startMs: number, { bucketMs, sinceMs, untilMs }: Omit<Trend, "buckets">): string {
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };
  const date = new Date(startMs);
  if (bucketMs >= DAY_MS) return date.toLocaleDateString("en", day);
  const clock = date.toLocaleTimeString("en", time);
  return untilMs - sinceMs <= DAY_MS + bucketMs ? clock : `${date.toLocaleDateString("en", day)} ${clock}`;
}

export interface Series {
  readonly title: string;
  /** One a bucket; null where there is nothing to show. */
  readonly values: readonly (number | null)[];
}

const spreadSeries = (
  buckets: readonly Bucket[],
  of: "waitMs" | "exportLagMs",
  figure: "medianMs" | "p95Ms",
): readonly (number | null)[] => buckets.map((bucket) => (bucket[of].count === 0 ? null : bucket[of][figure]));

/** Where only failed builds are counted apart: the others ended well, were cancelled, or still run. */
export const buildSeries = ({ buckets }: Trend): readonly [others: Series, failed: Series] => [
  { title: "Not failed", values: buckets.map(({ builds, failed }) => builds - failed) },
  { title: "Failed", values: buckets.map(({ failed }) => failed) },
];

export const hitRateSeries = ({ buckets }: Trend): Series => ({
  title: "Hit rate",
  values: buckets.map(({ cacheableSteps, cachedSteps }) =>
    cacheableSteps === 0 ? null : cachedSteps / cacheableSteps,
  ),
});

export const savedSeries = ({ buckets }: Trend): readonly number[] => buckets.map(({ savedMs }) => savedMs);

export const waitSeries = ({ buckets }: Trend): readonly Series[] => [
  { title: "Client waits, median", values: spreadSeries(buckets, "waitMs", "medianMs") },
  { title: "Client waits, p95 (dashed)", values: spreadSeries(buckets, "waitMs", "p95Ms") },
  { title: "Export lag, median", values: spreadSeries(buckets, "exportLagMs", "medianMs") },
  { title: "Export lag, p95 (dashed)", values: spreadSeries(buckets, "exportLagMs", "p95Ms") },
];

export function buildsText({ buckets }: Trend): string {
  const all = buckets.reduce((sum, { builds }) => sum + builds, 0);
  const failed = buckets.reduce((sum, bucket) => sum + bucket.failed, 0);
  const most = Math.max(0, ...buckets.map(({ builds }) => builds));
  return `${all.toString()} started, ${failed.toString()} of them failed; ${most.toString()} at most in one bar.`;
}

export function hitRateText(trend: Trend): string {
  const rates = hitRateSeries(trend).values.filter((rate) => rate !== null);
  if (rates.length === 0) return "No step could be cached.";
  return `From ${formatShare(Math.min(...rates))} to ${formatShare(Math.max(...rates))}.`;
}

export function waitText({ exportLagMs, waitMs }: Trend): string {
  const spread = ({ count, medianMs, p95Ms }: Trend["waitMs"], none: string): string =>
    count === 0 ? none : `${formatDuration(medianMs)} in the median, ${formatDuration(p95Ms)} at p95`;
  const wait = spread(waitMs, "for no build");
  return `Clients waited ${wait}; adding to the cache then took ${spread(exportLagMs, "no time")}.`;
}
