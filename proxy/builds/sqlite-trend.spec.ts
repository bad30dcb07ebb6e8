/** The trend counts what the figures of the same window count. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { finishBuilds, runningSummary } from "../test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS, sampleCounts, sampleSummary } from "../test/support/build-samples.js";
import { upsertBuild } from "./sqlite-build-rows.js";
import { SqliteHistory } from "./sqlite-history.js";

const START = SAMPLE_STARTED_AT_MS;
/** Read in several slices. */
const MANY = 4_500;

describe("readTrend", () => {
  let database: SqliteDatabase;
  let history: SqliteHistory;

  beforeEach(() => {
    const memory = new sqlite.Database();
    migrate(memory);
    database = new SqliteDatabase(memory);
    history = new SqliteHistory(database, { now: () => START });
  });

  afterEach(() => {
    database.close();
  });

  it("counts builds of the projects since the window began, those behind it in its last part", async () => {
    const counts = sampleCounts({ cacheable: 4, cached: 3 });
    const published = { result: "published", bytes: 1, durationMs: 700 };
    await finishBuilds(history, [
      { ref: "before" },
      { ref: "a", counts, savedMs: 10, endedAtMs: START + 3000, export: published },
      { ref: "b", counts, savedMs: 10, outcome: "failed", endedAtMs: START + 9000 },
      { ref: "c", counts, savedMs: 10, endedAtMs: START + 3500, export: { ...published, result: "timed_out" } },
      { ref: "other", project: "other" },
      { ref: "after", savedMs: 0, endedAtMs: START + 9000 },
    ]);
    await history.begin(runningSummary({ ref: "d", startedAtMs: START + 4000, counts }));

    const window = { sinceMs: START + 1000, untilMs: START + 4000, buckets: 3, project: "/shop" };
    const trend = await history.trend(window);

    expect(trend.buckets.map(({ builds, failed }) => [builds, failed])).to.deep.equal([
      [1, 0],
      [1, 1],
      [3, 0],
    ]);
    expect(trend.buckets.map(({ savedMs }) => savedMs)).to.deep.equal([10, 10, 10]);
    expect(trend.waitMs).to.deep.equal({ count: 3, medianMs: 2000, p95Ms: 4000 });
    expect(trend.exportLagMs).to.deep.equal({ count: 1, medianMs: 700, p95Ms: 700 });
  });

  it("agrees with the figures of many builds, however it is divided and however late they began", async () => {
    database.transaction(() => {
      for (let at = 0; at < MANY; at += 1) {
        const startedAtMs = START + Math.floor(at / 10);
        const build = sampleSummary({ ref: `b${at}`, startedAtMs, outcome: at % 5 === 0 ? "failed" : "succeeded" });
        const { sql, values } = upsertBuild(build, { slowestStepMs: 0, recordBytes: 0, seenAtMs: START });
        database.value(sql, values);
      }
    });
    const { buckets, waitMs } = await history.trend({ sinceMs: START, untilMs: START + 200, buckets: 70 });
    const figures = await history.figures({ sinceMs: START });
    const sum = (of: (bucket: (typeof buckets)[number]) => number): number =>
      buckets.reduce((total, bucket) => total + of(bucket), 0);
    expect(figures).to.include({
      builds: sum(({ builds }) => builds),
      failed: sum(({ failed }) => failed),
      succeeded: waitMs.count,
      cacheableSteps: sum(({ cacheableSteps }) => cacheableSteps),
      cachedSteps: sum(({ cachedSteps }) => cachedSteps),
      savedMs: sum(({ savedMs }) => savedMs),
    });
    expect(figures.builds).to.equal(MANY);
  }).timeout(5_000);
});
