/** What somebody typed about a prune, as the API takes it; sizes and times are written as on the command line. */
import type { PruneOptions } from "../../api/openapi.js";

export interface PruneFields {
  readonly unusedFor: string;
  readonly project: string;
  readonly keep: string;
  readonly minFree: string;
}

export const NO_FIELDS: PruneFields = { unusedFor: "", project: "", keep: "", minFree: "" };

export interface ReadFields {
  readonly options: PruneOptions;
  /** What is wrong with a field. */
  readonly problems: Partial<Readonly<Record<keyof PruneFields, string>>>;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 },
};
const UNITS = "bkmgt";
const KIB = 1024;

/** As `memobuild cache prune --filter until=` reads it. */
export function durationMsFrom(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12})([a-z])$/.exec(text) ?? [];
  const unitMs = UNIT_MS[unit ?? ""];
  const durationMs = unitMs === undefined ? NaN : Number(digits) * unitMs;
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}

/** As BuildKit and the command line read it: 20g, 20GB and 20GiB are the same. */
export function bytesFrom(text: string): number | undefined {
  const [, number, unit = "", suffix] = /^(\d{1,9}(?:\.\d{1,3})?)([bkmgt])(i?b)?$/.exec(text.toLowerCase()) ?? [];
  if (unit === "" || (unit === "b" && suffix !== undefined)) return undefined;
  return Math.round(Number(number) * KIB ** UNITS.indexOf(unit));
}

const SIZE_PROBLEM = "A size needs a unit, as in 512MB or 20GB";

/** Empty fields set no limit. */
export function readFields(fields: PruneFields): ReadFields {
  const [unusedFor, keep, minFree] = [fields.unusedFor.trim(), fields.keep.trim(), fields.minFree.trim()];
  const project = fields.project.trim();
  const [unusedForMs, keepBytes, minFreeBytes] = [durationMsFrom(unusedFor), bytesFrom(keep), bytesFrom(minFree)];
  return {
    options: {
      ...(unusedForMs !== undefined && { unusedForMs }),
      ...(project !== "" && { project }),
      ...(keepBytes !== undefined && { keepBytes }),
      ...(minFreeBytes !== undefined && { minFreeBytes }),
    },
    problems: {
      ...(unusedFor !== "" && unusedForMs === undefined && { unusedFor: "A time needs a unit, as in 12h, 7d or 4w" }),
      ...(keep !== "" && keepBytes === undefined && { keep: SIZE_PROBLEM }),
      ...(minFree !== "" && minFreeBytes === undefined && { minFree: SIZE_PROBLEM }),
    },
  };
}

/** Options that remove nothing that a preview of them at that time did not show: exports grow older meanwhile. */
export const asPreviewed = (options: PruneOptions, previewedAtMs: number, nowMs: number): PruneOptions =>
  options.unusedForMs === undefined
    ? options
    : { ...options, unusedForMs: options.unusedForMs + Math.max(0, nowMs - previewedAtMs) };
