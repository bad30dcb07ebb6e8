/** Times the history of builds: its lists when it is full, its longest turns, and what it keeps in memory. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BuildRecord } from "../proxy/builds/build-record.js";
import { SqliteHistory } from "../proxy/builds/sqlite-history.js";
import { openDatabase } from "../proxy/database/open-database.js";
import { createLogger } from "../proxy/log/create-logger.js";
import { hashOf, logPieces, seriesBuild, type Series } from "../proxy/test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS } from "../proxy/test/support/build-samples.js";
import { ROOT, runOk } from "../proxy/test/support/command.js";
import { median } from "./stats.js";

const FILE = join(ROOT, "docs/benchmarks/history.json");
const SERIES: Series = { projects: 10, steps: 200, newSteps: 40 };
const LARGE: Series = { projects: 1, steps: 20_000, newSteps: 5000 };
const LOG_PIECES = 500;
const ROUNDS = 50;
const PAGE = 50;
const TARGET_MS = 50;

export interface HistoryBenchOptions {
  readonly builds: number;
  readonly save: boolean;
}

interface Row {
  readonly what: string;
  readonly medianMs: number;
  readonly maxMs: number;
  /** CPU time of the process. */
  readonly medianWorkMs: number;
  /** In which nothing else could be done. */
  readonly longestTurnMs: number;
  readonly longestTurnWorkMs: number;
}

interface Memory {
  readonly rssMib: number;
  readonly heapMib: number;
}

interface Result {
  readonly rows: readonly Row[];
  readonly fileMib: number;
  /** Before and after as many builds again, of which those that are too many were removed. */
  readonly memory: readonly Memory[];
}

interface Watched {
  readonly ms: number;
  /** CPU time of the process. */
  readonly workMs: number;
  readonly longestTurnMs: number;
  /** Of CPU time, which others on the machine do not lengthen. */
  readonly longestTurnWorkMs: number;
}

const workSince = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};

async function watch(work: () => Promise<unknown>): Promise<Watched> {
  const turns: { ms: number; workMs: number }[] = [];
  let immediate: NodeJS.Immediate;
  let turnedMs = performance.now();
  let turnedCpu = process.cpuUsage();
  const endTurn = (): void => {
    turns.push({ ms: performance.now() - turnedMs, workMs: workSince(turnedCpu) });
    turnedMs = performance.now();
    turnedCpu = process.cpuUsage();
  };
  const turn = (): void => {
    endTurn();
    immediate = setImmediate(turn);
  };
  const startedMs = turnedMs;
  const startedCpu = turnedCpu;
  immediate = setImmediate(turn);
  await work();
  clearImmediate(immediate);
  endTurn();
  return {
    ...{ ms: performance.now() - startedMs, workMs: workSince(startedCpu) },
    longestTurnMs: Math.max(...turns.map(({ ms }) => ms)),
    longestTurnWorkMs: Math.max(...turns.map(({ workMs }) => workMs)),
  };
}

/** What `prepare` makes for a round is not timed. */
async function time<T>(
  what: string,
  rounds: number,
  prepare: (round: number) => T,
  work: (prepared: T) => Promise<unknown>,
): Promise<Row> {
  const seen: Watched[] = [];
  for (let round = 0; round < rounds; round++) {
    const prepared = prepare(round);
    seen.push(await watch(() => work(prepared)));
  }
  const times = seen.map(({ ms }) => ms);
  return {
    ...{
      what,
      medianMs: median(times),
      maxMs: Math.max(...times),
      medianWorkMs: median(seen.map((one) => one.workMs)),
    },
    longestTurnMs: Math.max(...seen.map((one) => one.longestTurnMs)),
    longestTurnWorkMs: Math.max(...seen.map((one) => one.longestTurnWorkMs)),
  };
}

async function keep(history: SqliteHistory, record: BuildRecord): Promise<void> {
  await history.begin({ ...record, outcome: "running", endedAtMs: undefined });
  await history.appendLog(record.ref, logPieces(record.steps.at(-1)?.digest ?? "", LOG_PIECES));
  await history.finish(record);
}

function memoryNow(): Memory {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc()");
  const { rss, heapUsed } = process.memoryUsage();
  return { rssMib: rss / 2 ** 20, heapMib: heapUsed / 2 ** 20 };
}

async function timeReads(history: SqliteHistory, builds: number): Promise<Row[]> {
  const sample = (round: number): BuildRecord => seriesBuild((round * 37) % builds, SERIES);
  const deep = await deepCursor(history, builds);
  const beforeMs = SAMPLE_STARTED_AT_MS + builds * 1000;
  const keys = sample(3).steps.map(({ key }) => key);
  const unknown = keys.map((key) => hashOf("unknown", key));
  const builder = sample(0).builder;
  const nothing = (): undefined => undefined;
  return [
    await time("list, first page", ROUNDS, nothing, () => history.list({ limit: PAGE })),
    await time("list, deep cursor", ROUNDS, nothing, () => history.list({ limit: PAGE, cursor: deep })),
    await time("list, one project", ROUNDS, nothing, () => history.list({ limit: PAGE, project: "project-7" })),
    await time("list, nothing found", ROUNDS, nothing, () => history.list({ limit: PAGE, project: "nowhere" })),
    await time("refs by prefix", ROUNDS, sample, ({ ref }) => history.refs(ref.slice(0, 4), PAGE)),
    await time("alike", ROUNDS, sample, (build) => history.alike(build, beforeMs, 5)),
    await time("one build of 200 steps", ROUNDS, sample, ({ ref }) => history.build(ref)),
    await time("page of a log", ROUNDS, sample, ({ ref }) => history.logs(ref, { after: 0, limit: LOG_PIECES })),
    await time("figures of all", ROUNDS, nothing, () => history.figures({ sinceMs: 0 })),
    await time("history of 200 known steps", ROUNDS, nothing, () => history.stepHistory(keys, builder)),
    await time("history of 200 unknown steps", ROUNDS, nothing, () => history.stepHistory(unknown, builder)),
  ];
}

/** Behind nine tenths of the builds. */
async function deepCursor(history: SqliteHistory, builds: number): Promise<string | undefined> {
  return (await history.list({ limit: Math.floor(builds * 0.9) })).cursor;
}

async function timeLarge(history: SqliteHistory): Promise<Row[]> {
  const large: BuildRecord = { ...seriesBuild(0, LARGE), ref: "large", project: "github.com/acme/large" };
  const running: BuildRecord = { ...large, outcome: "running", endedAtMs: undefined };
  const keys = large.steps.map(({ key }) => key);
  const measured = (what: string, rounds: number, work: () => Promise<unknown>): Promise<Row> =>
    time(`20,000 steps: ${what}`, rounds, () => undefined, work);
  return [
    await measured("checkpoint", 3, () => history.checkpoint(running)),
    await measured("finish", 1, () => history.finish(large)),
    await measured("finish again", 1, () => history.finish(large)),
    await measured("one build", 3, () => history.build(large.ref)),
    await measured("history of steps", 3, () => history.stepHistory(keys, large.builder)),
    await measured("remove", 1, () => history.remove([large.ref])),
  ];
}

async function measure(dir: string, builds: number): Promise<Result> {
  const path = join(dir, "history.db");
  const logger = createLogger({ level: "error", format: "text", stream: process.stderr });
  const database = openDatabase({ path, logger });
  try {
    const history = new SqliteHistory(database, { now: () => SAMPLE_STARTED_AT_MS });
    const limits = { maxBuilds: builds, startedAfterMs: 0 };
    const first = (n: number): BuildRecord => seriesBuild(n, SERIES);
    const fill = await time("begin, log and finish of 200 steps", builds, first, (build) => keep(history, build));
    const fileMib = (await stat(path)).size / 2 ** 20;
    const reads = await timeReads(history, builds);
    const before = memoryNow();
    const next = (n: number): BuildRecord => seriesBuild(builds + n, SERIES);
    const again = await time("the same, with the oldest removed", builds, next, async (build) => {
      await keep(history, build);
      await history.retain(limits);
    });
    const memory = [before, memoryNow()];
    return { rows: [fill, ...reads, again, ...(await timeLarge(history))], fileMib, memory };
  } finally {
    database.close();
  }
}

function report(builds: number, { rows, fileMib, memory }: Result): string {
  const shown = memory.map(({ rssMib, heapMib }) => `${rssMib.toFixed(0)} MiB RSS, ${heapMib.toFixed(1)} MiB heap`);
  return [
    `history of ${builds} builds of ${SERIES.steps} steps, ${fileMib.toFixed(0)} MiB (target ${TARGET_MS} ms for a list)`,
    ...rows.map(
      ({ what, medianMs, maxMs, medianWorkMs, longestTurnMs, longestTurnWorkMs }) =>
        `${what}: median ${medianMs.toFixed(1)} ms (${medianWorkMs.toFixed(1)} ms of work), max ${maxMs.toFixed(1)} ms, ` +
        `longest turn ${longestTurnMs.toFixed(1)} ms (${longestTurnWorkMs.toFixed(1)} ms of work)`,
    ),
    `memory: ${shown.join(" before, ")} after as many builds again`,
  ].join("\n");
}

/** `npm run bench -- history`: keeps the rows in docs/ and returns the report. */
export async function benchHistory({ builds, save }: HistoryBenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bench-history-"));
  try {
    const loadBefore = loadavg()[0] ?? NaN;
    const result = await measure(dir, builds);
    const record = {
      ...{ case: "history", node: process.version, date: new Date().toISOString(), loadBefore, builds },
      commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
      ...{ cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, ...result },
    };
    if (save) await writeFile(FILE, `${JSON.stringify([record], null, 1)}\n`);
    return report(builds, result);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
