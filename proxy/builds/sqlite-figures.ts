/** Figures of a window of time: sums of columns, and lists of what stands out. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { SqliteDatabase, Value } from "../database/sqlite-database.js";
import { CAUSE_KINDS, type BuildRecord, type StepRecord } from "./build-record.js";
import { costsMost } from "./costs-most.js";
import { FIGURES_LIST_MAX } from "./history.js";
import type { CauseCount, Figures, FiguresQuery, ProjectFigures, SlowStep } from "./history.js";
import { readJson, SLOW_STEPS, type StepTime } from "./parse-record.js";

const WINDOW = "builds.started_at >= ?1 AND (?2 IS NULL OR instr(project, ?2) > 0)";
const ENDED = "FILTER (WHERE outcome <> 'running')";

const outcomes = (outcome: string): string => `count(*) FILTER (WHERE outcome = '${outcome}')`;
const ended = (sum: string): string => `coalesce(sum(${sum}) ${ENDED}, 0)`;

const TOTALS = `SELECT json_object(
    'builds', count(*), 'succeeded', ${outcomes("succeeded")}, 'failed', ${outcomes("failed")},
    'canceled', ${outcomes("canceled")}, 'lost', ${outcomes("lost")}, 'running', ${outcomes("running")},
    'durationMs', ${ended("max(ended_at - started_at, 0)")},
    'cacheableSteps', ${ended("cacheable")}, 'cachedSteps', ${ended("cached")},
    'cachedBuilderSteps', ${ended("cached_builder")}, 'cachedSharedSteps', ${ended("cached_shared")},
    'ranSteps', ${ended("ran")}, 'savedMs', ${ended("saved_ms")},
    'contextBytes', ${ended("context_bytes")}, 'fetchedBytes', ${ended("fetched_bytes")},
    'exportedBytes', ${ended("export_bytes")}
  ) AS row FROM builds WHERE ${WINDOW}`;

const number = z.number();
const TOTALS_ROW = z.object({
  ...{ builds: number, succeeded: number, failed: number, canceled: number, lost: number, running: number },
  ...{ durationMs: number, cacheableSteps: number, cachedSteps: number, cachedBuilderSteps: number },
  ...{ cachedSharedSteps: number, ranSteps: number, savedMs: number },
  ...{ contextBytes: number, fetchedBytes: number, exportedBytes: number },
});

const PROJECTS = `SELECT json_object('project', project, 'builds', count(*), 'cacheableSteps', ${ended("cacheable")},
    'cachedSteps', ${ended("cached")}, 'savedMs', ${ended("saved_ms")}) AS row
  FROM builds WHERE ${WINDOW} GROUP BY project ORDER BY count(*) DESC, project LIMIT ${FIGURES_LIST_MAX}`;
const PROJECT: z.ZodType<ProjectFigures> = z.object({
  ...{ project: z.string(), builds: number, cacheableSteps: number, cachedSteps: number, savedMs: number },
});

const CAUSES = `SELECT json_object('kind', kind, 'count', sum(count), 'steps', sum(steps), 'durationMs', sum(duration_ms))
    AS row FROM builds CROSS JOIN causes ON build_id = builds.id WHERE ${WINDOW}
  GROUP BY kind ORDER BY sum(count) DESC, kind`;
const CAUSE = z.object({ kind: z.string(), count: number, steps: number, durationMs: number });
const KIND = z.enum(CAUSE_KINDS);

/** The slowest steps are steps of the builds that have the slowest ones: no more builds than steps are asked for. */
const SLOWEST = `SELECT json_array(ref, project, slow_steps) AS row FROM
    (SELECT id, ref, project FROM builds WHERE ${WINDOW} ORDER BY slowest_step_ms DESC, id DESC LIMIT ${FIGURES_LIST_MAX})
    AS slowest CROSS JOIN summaries ON build_id = slowest.id`;
const SLOWEST_ROW = z.tuple([z.string(), z.string(), z.string()]);

function slowStepsOf(row: unknown): SlowStep[] {
  const [ref, project, json] = SLOWEST_ROW.parse(row);
  return (readJson(json, SLOW_STEPS) ?? []).map((step) => ({ ref, project, ...step }));
}

/** Kinds that another version of MemoBuild wrote are left out. */
function causeOf(row: unknown): CauseCount[] {
  const cause = CAUSE.parse(row);
  const kind = KIND.safeParse(cause.kind).data;
  return kind === undefined ? [] : [{ ...cause, kind }];
}

/** With a turn of the event loop between: each statement may read all builds. */
export async function readFigures(database: SqliteDatabase, { sinceMs, project }: FiguresQuery): Promise<Figures> {
  const window: Value[] = [sinceMs, project ?? null];
  const [totals] = database.rows(TOTALS, window, (row) => TOTALS_ROW.parse(row));
  if (totals === undefined) throw new Error("sums without a row");
  await nextTurn();
  const slowest = database.rows(SLOWEST, window, slowStepsOf).flat();
  await nextTurn();
  const causes = database.rows(CAUSES, window, causeOf).flat();
  await nextTurn();
  const cost = costsMost(causes, totals.durationMs);
  return {
    sinceMs,
    ...totals,
    ...(totals.cacheableSteps > 0 ? { hitRate: totals.cachedSteps / totals.cacheableSteps } : {}),
    slowestSteps: slowest.sort((a, b) => b.durationMs - a.durationMs).slice(0, FIGURES_LIST_MAX),
    causes: causes.slice(0, FIGURES_LIST_MAX),
    ...(cost === undefined ? {} : { costsMost: cost }),
    projects: project === undefined ? database.rows(PROJECTS, window, (row) => PROJECT.parse(row)) : [],
  };
}

const didRun = ({ isUser, result }: StepRecord): boolean => isUser && (result === "ran" || result === "failed");

/** Of one build: no others of it can be among the slowest of a window. */
export function slowSteps({ steps }: BuildRecord): StepTime[] {
  return steps
    .filter(didRun)
    .map(({ name, durationMs }) => ({ name, durationMs }))
    .sort((a, b) => b.durationMs - a.durationMs)
    .slice(0, FIGURES_LIST_MAX);
}

/** Of one build: root causes, with all that ran because of them. */
export function countCauses({ steps }: BuildRecord): CauseCount[] {
  const counts = new Map<string, CauseCount>();
  for (const { cause, durationMs } of steps) {
    if (cause === undefined || cause.root !== undefined) continue;
    const known = counts.get(cause.kind);
    counts.set(cause.kind, {
      kind: cause.kind,
      count: (known?.count ?? 0) + 1,
      steps: (known?.steps ?? 0) + 1 + (cause.cascade?.steps ?? 0),
      durationMs: (known?.durationMs ?? 0) + durationMs + (cause.cascade?.durationMs ?? 0),
    });
  }
  return [...counts.values()];
}
