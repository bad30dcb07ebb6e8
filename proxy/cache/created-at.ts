/** When BuildKit made a result: RFC 3339 as Go reads and writes it, compared to the nanosecond. */

const RFC_3339 =
  /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,9}))?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

const EVERY_MONTH_DAYS = 28;

/** Whether Go reads it: BuildKit refuses a whole config for one time that it cannot read. */
export function isCreatedAt(text: string): boolean {
  if (!RFC_3339.test(text) || Number.isNaN(Date.parse(text))) return false;
  // Date takes the 30th of February for a day in March.
  const date = text.slice(0, 10);
  return Number(date.slice(8)) <= EVERY_MONTH_DAYS || new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

const fractionOf = (text: string): string => (RFC_3339.exec(text)?.[1] ?? "").padEnd(9, "0");

/** Positive where `a` is the later one. */
export function compareCreatedAt(a: string, b: string): number {
  if (a === b) return 0;
  if (a.endsWith("Z") && b.endsWith("Z")) return a.slice(0, -1) > b.slice(0, -1) ? 1 : -1;
  const differenceMs = Date.parse(a) - Date.parse(b);
  if (differenceMs !== 0) return differenceMs;
  const [fractionA, fractionB] = [fractionOf(a), fractionOf(b)];
  return fractionA === fractionB ? 0 : fractionA > fractionB ? 1 : -1;
}
