/** What is said of builds and their steps, in the words of the command line. */
import type { BuildRecord, BuildSummary } from "../../api/openapi.js";
import { formatBytes, formatCount, formatDuration, formatShare } from "../../parts/format.js";
import type { GraphNode, StepResult } from "./step-types.js";

/** Of the 25 characters of a ref, enough that no two builds share them. */
const REF_CHARS = 12;

export const shortRef = (ref: string): string => ref.slice(0, REF_CHARS);

export const projectText = ({ project }: Pick<BuildSummary, "project">): string =>
  project === "" ? "a build without a project" : project;

/** As in "prod linux/arm64"; "" where a build has neither. */
export const targetText = ({ target, platform }: Pick<BuildSummary, "target" | "platform">): string =>
  [target, platform].filter((part) => part !== "").join(" ");

export const elapsedMs = ({ startedAtMs, endedAtMs }: BuildSummary, nowMs: number): number =>
  Math.max(0, (endedAtMs ?? nowMs) - startedAtMs);

/** As in "82%"; "" where there was nothing to cache. */
export const hitRateText = ({ counts: { cached, cacheable } }: Pick<BuildSummary, "counts">): string =>
  cacheable === 0 ? "" : formatShare(cached / cacheable);

/** As in "7 builder, 2 shared". */
export function sourcesText({ counts }: Pick<BuildSummary, "counts">): string {
  const { cached, cachedBuilder, cachedShared } = counts;
  const unknown = cached - cachedBuilder - cachedShared;
  return [
    ...(cachedBuilder > 0 ? [`${cachedBuilder.toString()} builder`] : []),
    ...(cachedShared > 0 ? [`${cachedShared.toString()} shared`] : []),
    ...(unknown > 0 ? [`${unknown.toString()} unknown`] : []),
  ].join(", ");
}

/** As in "cached: shared", "ran 1.2s". */
export function describeResult(step: Pick<GraphNode, "result" | "cachedFrom" | "durationMs">): string {
  const { cachedFrom, durationMs, result } = step;
  if (result === "cached")
    return cachedFrom === undefined || cachedFrom === "unknown" ? "cached" : `cached: ${cachedFrom}`;
  return hasDuration(result) ? `${result} ${formatDuration(durationMs)}` : result;
}

const hasDuration = (result: StepResult): boolean => ["ran", "failed", "canceled"].includes(result);

/** As in "Dockerfile:3-5"; "" where it is not known. */
export function linesText({ lines }: Pick<GraphNode, "lines">): string {
  if (lines === undefined) return "";
  const { file, first, last } = lines;
  return first === last ? `${file}:${first.toString()}` : `${file}:${first.toString()}-${last.toString()}`;
}

const IMPORTS: Readonly<Record<string, string>> = {
  none: "not asked: the shared cache is off, or the build's own import is used",
  injected: "the builder was given the shared cache",
  empty: "nothing that helps was exported yet",
  broken: "a layer of the shared cache was lost; the next export mends that",
  unreachable: "the builder does not reach MemoBuild's registry",
  failed: "the import failed",
};

const EXPORTS: Readonly<Record<string, string>> = {
  none: "there was nothing to export",
  pending: "under way",
  published: "added to the shared cache",
  unchanged: "nothing new: every step was exported before",
  build_failed: "left out, as the build failed",
  duplicate: "left out: another build of the builder exports the same",
  refused: "left out: the builder had too many exports under way",
  not_pinned: "left out: the builder had not loaded it in time",
  rejected: "refused, as it was incomplete",
  failed: "the export failed",
  timed_out: "the export took too long",
  stopped: "MemoBuild stopped before it was done",
};

export function importText({ import: note }: Pick<BuildSummary, "import">): string {
  const { fetchedBytes, fetchedLayers, from, records, result } = note;
  const made = from.length === 0 ? "" : `: ${formatCount(records, "record")} of ${formatCount(from.length, "build")}`;
  const fetched =
    fetchedLayers === 0 ? "" : `, ${formatCount(fetchedLayers, "layer")} fetched (${formatBytes(fetchedBytes)})`;
  return `${IMPORTS[result] ?? result}${made}${fetched}`;
}

export function exportText({ export: note }: Pick<BuildSummary, "export">): string {
  const { bytes, durationMs, result } = note;
  const written = durationMs === 0 ? "" : `, ${formatBytes(bytes)} in ${formatDuration(durationMs)} behind the build`;
  return `${EXPORTS[result] ?? result}${written}`;
}

/** As in "5 of 11 steps ran, 6 came from a cache". */
export const ranText = ({ counts }: Pick<BuildSummary, "counts">): string =>
  `${counts.ran.toString()} of ${formatCount(counts.cacheable, "step")} ran, ${counts.cached.toString()} came from a cache`;

export const noCacheText = ({ noCache }: Pick<BuildRecord, "noCache">): string =>
  noCache.includes("*") ? "all stages" : noCache.join(", ");
