/** How long ago something was, roughly, as docker says it. */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The largest unit of which there are two or more tells enough. */
const UNITS = [
  { name: "years", unitMs: 365 * DAY_MS },
  { name: "months", unitMs: 30 * DAY_MS },
  { name: "weeks", unitMs: 7 * DAY_MS },
  { name: "days", unitMs: DAY_MS },
  { name: "hours", unitMs: HOUR_MS },
  { name: "minutes", unitMs: MINUTE_MS },
  { name: "seconds", unitMs: SECOND_MS },
] as const;

/** As in `3 hours ago`. */
export function formatAge(ageMs: number): string {
  const unit = UNITS.find(({ unitMs }) => ageMs >= 2 * unitMs);
  return unit === undefined ? "just now" : `${Math.floor(ageMs / unit.unitMs)} ${unit.name} ago`;
}
