/** The page and its API over a history of many builds, with builds that go on; all but the builders are the real parts. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Registry } from "prom-client";
import { BuildEvents } from "../../proxy/builds/build-events.js";
import type { BuildRecord } from "../../proxy/builds/build-record.js";
import { RecordedBuilds } from "../../proxy/builds/recorded-builds.js";
import { SqliteHistory } from "../../proxy/builds/sqlite-history.js";
import { openDatabase } from "../../proxy/database/open-database.js";
import { createApiServer } from "../../proxy/http/api-server.js";
import { createHttpServer } from "../../proxy/http/create-http-server.js";
import { reportMetrics } from "../../proxy/http/metrics-report.js";
import { createLogger } from "../../proxy/log/create-logger.js";
import { hashOf, seriesBuild, type Series } from "../../proxy/test/support/build-records.js";
import { sampleStep, sampleSummary } from "../../proxy/test/support/build-samples.js";
import { MemoryBuilderDesk } from "../../proxy/test/support/memory-builder-desk.js";
import { memorySettings } from "../../proxy/test/support/memory-settings.js";

const SMALL: Series = { projects: 10, steps: 12, newSteps: 3 };
const STAGES = 20;
const TOKEN = "bench";
export const LARGE_REF = "large";

export interface PageServer {
  /** With its token; a route goes behind it. */
  readonly url: string;
  /** One more build begins, makes its progress and ends: `EVENTS_PER_BUILD` events. */
  liveBuild(): Promise<void>;
  close(): Promise<void>;
}

export const EVENTS_PER_BUILD = 6;

/** Stages side by side, each a chain, that meet at the end. */
function largeBuild(steps: number, startedAtMs: number): BuildRecord {
  const inputsOf = (step: number): number[] => {
    if (step === 0) return [];
    if (step === steps - 1) return Array.from({ length: STAGES }, (_, stage) => steps - 2 - stage);
    return [step <= STAGES ? 0 : step - STAGES];
  };
  const stepOf = (step: number) =>
    sampleStep({
      ...{ digest: `sha256:${hashOf("large", step)}`, key: hashOf("large-key", step), inputs: inputsOf(step) },
      ...{ name: `[stage-${step % STAGES} ${step}] RUN make part-${step}`, stage: `stage-${step % STAGES}` },
      ...{ result: step % 3 === 0 ? ("cached" as const) : ("ran" as const), durationMs: (step * 37) % 4000 },
      ...{ startedAtMs: startedAtMs + step * 50, completedAtMs: startedAtMs + step * 50 + 40 },
    });
  return {
    ...recordAt(0, startedAtMs),
    ...{ ref: LARGE_REF, group: LARGE_REF, steps: Array.from({ length: steps }, (_, step) => stepOf(step)) },
  };
}

const recordAt = (build: number, startedAtMs: number): BuildRecord => ({
  ...seriesBuild(build, SMALL),
  startedAtMs,
  endedAtMs: startedAtMs + 20_000,
});

/** @param builds of the history, a minute apart, the latest now */
export async function startPageServer(builds: number, largeSteps: number): Promise<PageServer> {
  const dir = await mkdtemp(join(tmpdir(), "bench-page-"));
  const log = createLogger({ level: "error", format: "text", stream: process.stderr });
  const database = openDatabase({ path: join(dir, "history.db"), logger: log });
  const history = new SqliteHistory(database, { now: Date.now });
  const keep = async (record: BuildRecord): Promise<void> => {
    await history.begin({ ...record, outcome: "running", endedAtMs: undefined });
    await history.finish(record);
  };
  const nowMs = Date.now();
  for (let build = 0; build < builds; build++) await keep(recordAt(build, nowMs - (builds - build) * 60_000));
  await keep(largeBuild(largeSteps, nowMs - 60_000));
  const events = new BuildEvents();
  const recorder = { record: () => undefined, settled: () => Promise.resolve(), flushLog: () => Promise.resolve() };
  const registry = new Registry();
  const api = createApiServer({
    ...{ listeners: [], cache: undefined, log, now: Date.now },
    builds: new RecordedBuilds({ history, recorder, events }),
    builders: new MemoryBuilderDesk(),
    status: () => Promise.reject(new Error("not asked for")),
    metrics: () => reportMetrics(registry),
    settings: memorySettings(),
  });
  await api.start();
  const server = createHttpServer({
    ...{ address: { host: "127.0.0.1", port: 0 }, allowsOthers: false, token: TOKEN, registry, log },
    readiness: () => Promise.resolve({ ready: true, builders: [] }),
  });
  const { address } = await server.start();
  server.serveApi(api.answer);
  let live = builds;
  return {
    url: `${address}/?token=${TOKEN}`,
    async liveBuild() {
      live += 1;
      const record = recordAt(live, Date.now());
      const running = sampleSummary({ ...record, outcome: "running", endedAtMs: undefined });
      await history.begin(running);
      events.add({ type: "started", build: running, running: [] });
      for (let step = 0; step < EVENTS_PER_BUILD - 2; step++) {
        const counts = { ...running.counts, completed: step };
        const at = { name: `[build ${step}] RUN make`, startedAtMs: Date.now() };
        events.add({ type: "changed", build: { ...running, counts }, running: [at] });
      }
      await history.finish(record);
      events.add({ type: "ended", build: sampleSummary(record), running: [] });
    },
    async close() {
      await server.close();
      await api.close();
      database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
