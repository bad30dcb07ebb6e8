/** How builds went over time, from the columns of their rows. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import type { Trend, TrendQuery } from "./history.js";
import { bucketMsOf, trendOf, type TrendPart } from "./trend.js";

/** Read without a turn of the event loop between: some milliseconds of it. */
const SLICE_BUILDS = 2000;

/** Where the slice ends that starts at ?1: later than that, however many builds start there. */
const SLICE_END = `SELECT started_at FROM builds WHERE started_at > ?1
  ORDER BY started_at LIMIT 1 OFFSET ${SLICE_BUILDS}`;

const ENDED = "FILTER (WHERE outcome <> 'running')";
const ended = (column: string): string => `coalesce(sum(${column}) ${ENDED}, 0)`;

/** A row for each bucket that has builds of the slice. Those that start after the window are in its last bucket. */
const PARTS = `SELECT json_object('startedAtMs', min(started_at), 'builds', count(*),
    'failed', count(*) FILTER (WHERE outcome = 'failed'), 'cacheableSteps', ${ended("cacheable")},
    'cachedSteps', ${ended("cached")}, 'savedMs', ${ended("saved_ms")},
    'waitsMs', json_group_array(max(ended_at - started_at, 0)) FILTER (WHERE outcome = 'succeeded'),
    'exportLagsMs', json_group_array(export_ms) FILTER (WHERE export_result = 'published')) AS row
  FROM builds WHERE started_at >= ?1 AND started_at < ?2 AND (?3 IS NULL OR instr(project, ?3) > 0)
  GROUP BY min(CAST((started_at - ?4) / ?5 AS INTEGER), ?6)`;

const number = z.number();
const PART: z.ZodType<TrendPart> = z.object({
  ...{ startedAtMs: number, builds: number, failed: number, cacheableSteps: number, cachedSteps: number },
  ...{ savedMs: number, waitsMs: z.array(number), exportLagsMs: z.array(number) },
});

export async function readTrend(database: SqliteDatabase, query: TrendQuery): Promise<Trend> {
  const { buckets, project = null, sinceMs } = query;
  const parts: TrendPart[] = [];
  let startMs: number | undefined = sinceMs;
  while (startMs !== undefined) {
    const endMs = sliceEnd(database, startMs);
    const values = [startMs, endMs ?? Number.MAX_SAFE_INTEGER, project, sinceMs, bucketMsOf(query), buckets - 1];
    for (const part of database.rows(PARTS, values, (row) => PART.parse(row))) parts.push(part);
    startMs = endMs;
    await nextTurn();
  }
  return trendOf(query, parts);
}

/** Undefined: there are no builds behind it. */
function sliceEnd(database: SqliteDatabase, startMs: number): number | undefined {
  const end = database.value(SLICE_END, [startMs]);
  return typeof end === "number" ? end : undefined;
}
