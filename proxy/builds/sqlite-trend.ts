/** How builds went over time, from the columns of their rows. */
import { z } from "zod";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import type { Trend, TrendQuery } from "./history.js";
import { bucketMsOf, trendOf, type TrendPart } from "./trend.js";

const ENDED = "FILTER (WHERE outcome <> 'running')";
const ended = (column: string): string => `coalesce(sum(${column}) ${ENDED}, 0)`;

/** A row for each bucket that is not empty, and one for the very end of the window. */
const PARTS = `SELECT json_object('startedAtMs', min(started_at), 'builds', count(*),
    'failed', count(*) FILTER (WHERE outcome = 'failed'), 'cacheableSteps', ${ended("cacheable")},
    'cachedSteps', ${ended("cached")}, 'savedMs', ${ended("saved_ms")},
    'waitsMs', json_group_array(max(ended_at - started_at, 0)) FILTER (WHERE outcome = 'succeeded'),
    'exportLagsMs', json_group_array(export_ms) FILTER (WHERE export_result = 'published')) AS row
  FROM builds WHERE started_at BETWEEN ?1 AND ?2 AND (?3 IS NULL OR instr(project, ?3) > 0)
  GROUP BY CAST((started_at - ?1) / ?4 AS INTEGER)`;

const number = z.number();
const PART: z.ZodType<TrendPart> = z.object({
  ...{ startedAtMs: number, builds: number, failed: number, cacheableSteps: number, cachedSteps: number },
  ...{ savedMs: number, waitsMs: z.array(number), exportLagsMs: z.array(number) },
});

export function readTrend(database: SqliteDatabase, query: TrendQuery): Trend {
  const { project = null, sinceMs, untilMs } = query;
  const values = [sinceMs, untilMs, project, bucketMsOf(query)];
  return trendOf(
    query,
    database.rows(PARTS, values, (row) => PART.parse(row)),
  );
}
