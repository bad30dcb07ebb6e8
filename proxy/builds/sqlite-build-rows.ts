/** The rows of builds: what of a build stands in which column, and what is read back. */
import { z } from "zod";
import type { Value } from "../database/sqlite-database.js";
import { BUILD_OUTCOMES, type BuildSummary } from "./build-record.js";
import { REMOVAL_RULES, type ExportHistory } from "./history.js";
import { readJson, SUMMARY } from "./parse-record.js";

export interface BuildExtent {
  readonly slowestStepMs: number;
  readonly recordBytes: number;
  /** Our clock: the latest that is known of it while it runs. */
  readonly seenAtMs: number;
}

type Columns = Readonly<Record<string, Value>>;

const identityColumns = (build: BuildSummary): Columns => ({
  ref: build.ref,
  tenant: build.tenant,
  project: build.project,
  dockerfile: build.dockerfile,
  target: build.target,
  platform: build.platform,
  builder: build.builder,
  build_group: build.group,
  outcome: build.outcome,
});

/** Whole numbers: they are for order and sums. The summary has them as they are. */
const numberColumns = ({ counts, ...build }: BuildSummary, extent: BuildExtent): Columns => ({
  started_at: Math.round(build.startedAtMs),
  ended_at: build.endedAtMs === undefined ? null : Math.round(build.endedAtMs),
  seen_at: Math.round(extent.seenAtMs),
  cacheable: counts.cacheable,
  cached: counts.cached,
  cached_builder: counts.cachedBuilder,
  cached_shared: counts.cachedShared,
  ran: counts.ran,
  saved_ms: Math.round(build.savedMs),
  slowest_step_ms: Math.round(extent.slowestStepMs),
  context_bytes: build.contextBytes,
  fetched_bytes: build.import.fetchedBytes,
  export_result: build.export.result,
  export_bytes: build.export.bytes,
  export_ms: Math.round(build.export.durationMs),
  record_bytes: extent.recordBytes,
});

/** An INSERT that changes the row of the same ref instead, unless that would bring an ended build back to life. */
export function upsertBuild(
  build: BuildSummary,
  extent: BuildExtent,
): { readonly sql: string; readonly values: Value[] } {
  const columns = { ...identityColumns(build), ...numberColumns(build, extent) };
  const names = Object.keys(columns);
  const sql = `INSERT INTO builds (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
    ON CONFLICT (ref) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(", ")}
    WHERE builds.outcome = 'running' OR excluded.outcome <> 'running' RETURNING id`;
  return { sql, values: Object.values(columns) };
}

/** From `builds` joined with `summaries`. */
export const SUMMARY_COLUMNS = `json_array(builds.id, started_at, outcome, ended_at,
  json_object('result', export_result, 'bytes', export_bytes, 'durationMs', export_ms), summary)`;

const EXPORT = z.object({ result: z.string(), bytes: z.number(), durationMs: z.number() });
const SUMMARY_ROW = z.tuple([z.number(), z.number(), z.string(), z.number().nullable(), EXPORT, z.string()]);
const OUTCOME = z.enum(BUILD_OUTCOMES);

export interface SummaryRow {
  readonly id: number;
  readonly startedAtMs: number;
  /** Undefined where it cannot be read. */
  readonly summary: BuildSummary | undefined;
}

/** What became of a build later stands in the columns only. */
export function summaryRowOf(row: unknown): SummaryRow {
  const [id, startedAtMs, outcomeText, endedAtMs, exported, json] = SUMMARY_ROW.parse(row);
  const outcome = OUTCOME.safeParse(outcomeText).data;
  const written = readJson(json, SUMMARY);
  if (outcome === undefined || written === undefined) return { id, startedAtMs, summary: undefined };
  const ended = endedAtMs === null ? {} : { endedAtMs: written.endedAtMs ?? endedAtMs };
  return { id, startedAtMs, summary: { ...written, ...ended, outcome, export: exported } };
}

export interface StoredBuild {
  readonly id: number;
  readonly ref: string;
  readonly startedAtMs: number;
  readonly recordBytes: number;
}

const STORED_ROW = z.tuple([z.number(), z.string(), z.number(), z.number()]);

export function storedBuildOf(row: unknown): StoredBuild {
  const [id, ref, startedAtMs, recordBytes] = STORED_ROW.parse(row);
  return { id, ref, startedAtMs, recordBytes };
}

const EXPORT_ROW = z.tuple([
  z.string(),
  ...([z.string(), z.number(), z.number()] as const),
  ...([z.number().nullable(), z.string().nullable()] as const),
]);
const RULE = z.enum(REMOVAL_RULES);

export function exportOf(row: unknown): ExportHistory {
  const [ref, result, bytes, durationMs, removedAtMs, removedBy] = EXPORT_ROW.parse(row);
  const rule = RULE.safeParse(removedBy).data;
  const removed = removedAtMs === null || rule === undefined ? {} : { removed: { atMs: removedAtMs, rule } };
  return { ref, result, bytes, durationMs, ...removed };
}

/** The part of a record that lists show. */
export const summaryOf = (build: BuildSummary): BuildSummary => SUMMARY.parse(build);

export const textOf = (row: unknown): string => z.string().parse(row);
