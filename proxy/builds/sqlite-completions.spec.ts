/** What is remembered of steps: when they last ran, where they were complete, on which builder. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { finishBuilds, hashOf, runningSummary, seriesBuild } from "../test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild, sampleStep } from "../test/support/build-samples.js";
import { builderKeyOf } from "./history.js";
import { SqliteHistory } from "./sqlite-history.js";

const START = SAMPLE_STARTED_AT_MS;

describe("SqliteCompletions", () => {
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

  describe("stepHistory", () => {
    const step = (name: string, result: "ran" | "cached" | "failed", durationMs = 0) =>
      sampleStep({ key: hashOf(name), result, durationMs, ...(result === "cached" && { cachedFrom: "builder" }) });
    const known = async (name: string, builder = "b1") =>
      (await history.stepHistory([hashOf(name)], builder)).get(hashOf(name));

    it("tells where a step last ran, and when it was last complete on the builder", async () => {
      await finish(
        { ref: "a", builder: "b1", steps: [step("x", "ran", 700)], endedAtMs: START + 10 },
        { ref: "b", builder: "b2", steps: [step("x", "ran", 900)], endedAtMs: START + 20 },
        { ref: "c", builder: "b1", steps: [step("x", "cached"), step("y", "failed", 3)], endedAtMs: START + 30 },
      );
      const run = { ref: "b", atMs: START + 20, builder: "b2", durationMs: 900 };

      expect(await known("x", "b1")).to.deep.equal({ onBuilder: { ref: "c", atMs: START + 30 }, run });
      expect(await known("x", "b2")).to.deep.equal({ onBuilder: { ref: "b", atMs: START + 20 }, run });
      expect(await known("x", "b3")).to.deep.equal({ run });
      expect(await known("y")).to.equal(undefined);
    });

    it("knows a builder from another one at its address, and what it has from what the shared cache has", async () => {
      const shared = sampleStep({ key: hashOf("y"), result: "cached", cachedFrom: "shared" });
      await finish({ ref: "a", builder: "b1", worker: "w1", steps: [step("x", "ran", 7), shared] });

      expect((await known("x", builderKeyOf({ builder: "b1", worker: "w1" })))?.onBuilder?.ref).to.equal("a");
      expect((await known("x", builderKeyOf({ builder: "b1", worker: "w2" })))?.onBuilder).to.equal(undefined);
      expect(await known("y", builderKeyOf({ builder: "b1", worker: "w1" }))).to.equal(undefined);
    });

    it("believes the later news, in whatever order they come", async () => {
      await finish(
        { ref: "late", builder: "b1", steps: [step("x", "ran", 1)], endedAtMs: START + 90 },
        { ref: "early", builder: "b1", steps: [step("x", "ran", 2), step("x", "cached")], endedAtMs: START + 80 },
      );

      expect(await known("x")).to.deep.equal({
        onBuilder: { ref: "late", atMs: START + 90 },
        run: { ref: "late", atMs: START + 90, builder: "b1", durationMs: 1 },
      });
    });

    it("remembers how long a step took when the build that ran it is gone", async () => {
      await finish(
        { ref: "a", builder: "b1", steps: [step("x", "ran", 700), step("y", "ran", 1)], endedAtMs: START + 10 },
        { ref: "b", builder: "b1", steps: [step("x", "cached")], endedAtMs: START + 20 },
      );
      await history.remove(["a"]);

      expect(await known("x")).to.deep.equal({
        onBuilder: { ref: "b", atMs: START + 20 },
        run: { ref: "", atMs: START + 10, builder: "b1", durationMs: 700 },
      });
      expect(await known("y")).to.equal(undefined);
    });

    it("knows nothing of a build that has not ended, nor of steps without a key", async () => {
      const odd = sampleStep({ key: "", result: "ran" });
      const steps = [step("x", "ran"), odd];
      await history.begin(runningSummary({ ref: "a", builder: "b1" }));
      await history.checkpoint(sampleBuild({ ref: "a", builder: "b1", outcome: "running", steps }));
      expect(await known("x")).to.equal(undefined);

      await history.finish(sampleBuild({ ref: "a", builder: "b1", steps }));
      expect(await known("x")).to.have.property("run");
      expect(await history.stepHistory(["", "zz"], "b1")).to.have.property("size", 0);
      expect(database.value("SELECT count(*) FROM completions")).to.equal(1);
    });

    it("finds each of many steps", async () => {
      const build = seriesBuild(0, { projects: 1, steps: 1000, newSteps: 1000 });
      await history.finish(build);

      const found = await history.stepHistory(
        build.steps.map(({ key }) => key),
        build.builder,
      );
      expect(found.size).to.equal(1000);
      expect([...found.values()].every(({ run }) => run?.ref === build.ref)).to.equal(true);
    }).timeout(10_000);
  });
});
