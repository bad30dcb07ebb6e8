/** The windows of time that one can look at, and into how many bars each is divided. */

export interface TimeWindow {
  /** As the API reads it, and as it stands in the address. */
  readonly since: string;
  readonly title: string;
  readonly buckets: number;
  /** How long one bucket is, for people. */
  readonly bucket: string;
}

const DAY: TimeWindow = { since: "24h", title: "24 hours", buckets: 24, bucket: "hour" };

export const WINDOWS: readonly TimeWindow[] = [
  { since: "1h", title: "1 hour", buckets: 12, bucket: "5 minutes" },
  DAY,
  { since: "7d", title: "7 days", buckets: 28, bucket: "6 hours" },
  { since: "30d", title: "30 days", buckets: 30, bucket: "day" },
];

/** The one that the address asks for; a day where it asks for none that there is. */
export const windowOf = (since: string | null): TimeWindow => WINDOWS.find((each) => each.since === since) ?? DAY;
