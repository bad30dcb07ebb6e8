/** Durations as people write them (`30s`, `5m`, `30d`) to milliseconds and back. */
import { z } from "zod";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNIT_MS;

const isUnit = (text: string | undefined): text is Unit => text !== undefined && text in UNIT_MS;

/** The value in milliseconds, or undefined where the text is not a whole number followed by a unit. */
export function parseDurationMs(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})([a-z]+)$/.exec(text) ?? [];
  return isUnit(unit) ? Number(digits) * UNIT_MS[unit] : undefined;
}

/** The shortest exact spelling: 90000 is `90s`, 120000 is `2m`. */
export function formatDuration(durationMs: number): string {
  const unit = (["w", "d", "h", "m", "s"] as const).find((candidate) => durationMs % UNIT_MS[candidate] === 0);
  return durationMs === 0 || unit === undefined
    ? `${durationMs}${durationMs === 0 ? "s" : "ms"}`
    : `${durationMs / UNIT_MS[unit]}${unit}`;
}

/** Accepts a duration of `minMs` to `maxMs`, both included. */
export const durationBetween = (minMs: number, maxMs: number): z.ZodType<number, string> =>
  z.string().transform((text, context) => {
    const durationMs = parseDurationMs(text);
    if (durationMs === undefined) {
      context.addIssue(`"${text}" is not a duration, as in 500ms, 30s, 5m, 1h or 30d`);
      return z.NEVER;
    }
    if (durationMs < minMs || durationMs > maxMs) {
      context.addIssue(`"${text}" is outside ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
      return z.NEVER;
    }
    return durationMs;
  });
