/** Figures count what a plain sum over the builds of the window would. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { finishBuilds, runningSummary } from "../test/support/build-records.js";
import { FILES_CHANGED, SAMPLE_STARTED_AT_MS, sampleCounts, sampleStep } from "../test/support/build-samples.js";
import { CAUSE_KINDS } from "./build-record.js";
import { FIGURES_LIST_MAX } from "./history.js";
import { SqliteHistory } from "./sqlite-history.js";

const START = SAMPLE_STARTED_AT_MS;

describe("readFigures", () => {
  let database: SqliteDatabase;
  let history: SqliteHistory;

  const finish = (...builds: Parameters<typeof finishBuilds>[1]): Promise<void> => finishBuilds(history, builds);

  beforeEach(() => {
    const memory = new sqlite.Database();
    migrate(memory);
    database = new SqliteDatabase(memory);
    history = new SqliteHistory(database, { now: () => START });
  });

  afterEach(() => {
    database.close();
  });

  it("sums up what began in the window", async () => {
    const counts = sampleCounts({ cacheable: 4, cached: 3, cachedBuilder: 1, cachedShared: 2, ran: 1 });
    await finish(
      { ref: "before", project: "p1" },
      { ref: "a", project: "p1", counts, savedMs: 10, endedAtMs: START + 3000 },
      { ref: "b", project: "p1", counts, outcome: "failed", endedAtMs: START + 3000 },
      { ref: "c", project: "p2", counts, endedAtMs: START + 4000 },
    );
    await history.begin(runningSummary({ ref: "d", project: "p2", startedAtMs: START + 4000, counts }));

    const figures = await history.figures({ sinceMs: START + 1000 });
    expect(figures).to.deep.include({
      ...{ builds: 4, succeeded: 2, failed: 1, canceled: 0, lost: 0, running: 1, durationMs: 2000 + 1000 + 1000 },
      ...{ cacheableSteps: 12, cachedSteps: 9, cachedBuilderSteps: 3, cachedSharedSteps: 6, ranSteps: 3 },
      ...{ hitRate: 0.75, savedMs: 60_010, contextBytes: 3 * 1_234_567 },
      ...{ fetchedBytes: 15_000_000, exportedBytes: 21_000_000 },
    });
    expect(figures.projects).to.deep.equal([
      { project: "p1", builds: 2, cacheableSteps: 8, cachedSteps: 6, savedMs: 30_010 },
      { project: "p2", builds: 2, cacheableSteps: 4, cachedSteps: 3, savedMs: 30_000 },
    ]);
    const one = await history.figures({ sinceMs: 0, project: "1" });
    expect(one).to.deep.include({ builds: 3, projects: [] });
  });

  it("counts causes with what they cascaded to, and the slowest steps of all builds", async () => {
    const slow = (name: string, durationMs: number) => sampleStep({ name, durationMs });
    await finish(
      { ref: "a" },
      { ref: "b" },
      { ref: "c", steps: Array.from({ length: 30 }, (_, index) => slow(`step ${index}`, 50_000 + index)) },
      { ref: "d", steps: [slow("slowest", 90_000), sampleStep({ isUser: false, durationMs: 99_999 })] },
    );

    const { causes, slowestSteps } = await history.figures({ sinceMs: 0 });
    expect(causes).to.deep.equal([{ kind: FILES_CHANGED.kind, count: 2, steps: 4, durationMs: 2 * (300 + 42_000) }]);
    expect(slowestSteps.map(({ name }) => name)).to.deep.equal([
      "slowest",
      ...[29, 28, 27, 26, 25, 24, 23, 22, 21].map((index) => `step ${index}`),
    ]);
  });

  it("tells what costs most of all causes, also of one that is not among those listed", async () => {
    const rare = { kind: "evicted", text: "", hint: "", cascade: { steps: 4, durationMs: 90_000 } } as const;
    const steps = [sampleStep({ cause: rare, durationMs: 10_000 })];
    const others = CAUSE_KINDS.filter((kind) => kind !== "evicted").slice(0, FIGURES_LIST_MAX);
    const common = others.flatMap((kind) => {
      const step = sampleStep({ cause: { kind, text: "", hint: "" }, durationMs: 1 });
      return [step, step];
    });
    await finish({ ref: "a", steps }, { ref: "b", steps: common });

    const { causes, costsMost } = await history.figures({ sinceMs: 0 });
    expect(causes.map(({ kind }) => kind)).to.have.members(others);
    expect(costsMost).to.include({ durationMs: 100_000 });
    expect(costsMost?.text).to.include("made 5 steps run again, 1m 40s of work; all builds together took 2m 7s.");
  });

  it("has no hit rate where nothing was to be cached", async () => {
    expect(await history.figures({ sinceMs: 0 })).to.deep.include({
      builds: 0,
      savedMs: 0,
      slowestSteps: [],
      causes: [],
    });
    expect(await history.figures({ sinceMs: 0 })).to.not.have.any.keys("hitRate", "costsMost");
  });
});
