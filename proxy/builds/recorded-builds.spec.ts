/** Promises of builds as people see them: those that run and those in the history, in one. */
import { join } from "node:path";
import { expect } from "chai";
import { openDatabase } from "../database/open-database.js";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import { createLogger } from "../log/create-logger.js";
import { finishBuilds, logPieces, runningSummary } from "../test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild } from "../test/support/build-samples.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { BuildNameError } from "./build-desk.js";
import { BuildEvents } from "./build-events.js";
import type { BuildRecord } from "./build-record.js";
import { RecordedBuilds } from "./recorded-builds.js";
import { SqliteHistory } from "./sqlite-history.js";
import { summaryOf } from "./summary-of.js";

describe("RecordedBuilds", () => {
  let dir: string;
  let database: SqliteDatabase;
  let history: SqliteHistory;
  let events: BuildEvents;
  let running: Map<string, BuildRecord>;
  /** What the recorder was asked for, in turn. */
  let asked: string[];
  let flush: (ref: string) => Promise<void>;
  let desk: RecordedBuilds;

  beforeEach(async () => {
    dir = await makeTempDir("desk");
    const logger = createLogger({ level: "warn", format: "json", stream: process.stderr });
    database = openDatabase({ path: join(dir, "history.db"), logger });
    history = new SqliteHistory(database, { now: Date.now });
    [events, running, asked] = [new BuildEvents(), new Map<string, BuildRecord>(), []];
    flush = () => Promise.resolve();
    const recorder = {
      record: (ref: string) => running.get(ref),
      flushLog: (ref: string) => flush(ref),
      settled: () => {
        asked.push("settled");
        return Promise.resolve();
      },
    };
    desk = new RecordedBuilds({ history, recorder, events });
  });
  afterEach(async () => {
    database.close();
    await removeDir(dir);
  });

  /** A build that runs, as it was kept at its beginning and as it stands. */
  const run = async (ref: string): Promise<BuildRecord> => {
    const summary = runningSummary({ ref, addedMs: 0 });
    await history.begin(summary);
    const record = { ...sampleBuild(), ...summary, addedMs: 5 };
    running.set(ref, record);
    return record;
  };
  const finish = (...refs: readonly string[]): Promise<void> =>
    finishBuilds(
      history,
      refs.map((ref) => ({ ref })),
    );
  const failure = async (work: Promise<unknown>): Promise<readonly [code: string, message: string]> => {
    const error: unknown = await work.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    if (!(error instanceof BuildNameError)) throw new Error(`no BuildNameError: ${String(error)}`);
    return [error.code, error.message];
  };

  describe("resolve", () => {
    it("finds a build by its ref, by a beginning of it, and by its place", async () => {
      await finish("abc", "abcd", "xyz");
      expect(await desk.resolve("abc")).to.equal("abc");
      expect(await desk.resolve("x")).to.equal("xyz");
      expect([await desk.resolve("^"), await desk.resolve("^1"), await desk.resolve("^3")]).to.deep.equal([
        "xyz",
        "xyz",
        "abc",
      ]);
    });

    it("says which builds a name could mean", async () => {
      await finish("abc", "abd");
      const [code, message] = await failure(desk.resolve("ab"));
      expect([code, message]).to.deep.equal(["ambiguous", "more than one build begins with ab: abd, abc"]);
      await finish("ab1", "ab2", "ab3", "ab4", "ab5");
      expect((await failure(desk.resolve("ab")))[1]).to.match(/: ab., ab., ab., ab., ab., …$/);
    });

    for (const name of ["", "b", "^2", "^999999999", "^x", "%", "_"]) {
      it(`finds no build called "${name}"`, async () => {
        await finish("abc");
        expect((await failure(desk.resolve(name)))[0]).to.equal("unknown");
      });
    }
  });

  it("shows builds that run as they stand, alone and in lists", async () => {
    await finish("done");
    const record = await run("runs");
    const { builds } = await desk.list({ limit: 10 });
    expect(new Map(builds.map(({ addedMs, ref }) => [ref, addedMs])).get("runs")).to.equal(5);
    expect(builds).to.have.length(2);
    expect(await desk.build("runs")).to.equal(record);
    expect((await desk.build("done"))?.outcome).to.equal("succeeded");
    expect(await desk.build("none")).to.equal(undefined);
    expect(asked.length).to.be.greaterThan(0);
  });

  it("shows of a log what was said until now", async () => {
    await run("runs");
    flush = (ref) => history.appendLog(ref, logPieces("sha256:1", 2));
    expect((await desk.logs("runs", { after: 0, limit: 10 }))?.pieces).to.have.length(2);
  });

  it("explains and compares builds that are there", async () => {
    await finish("one", "two");
    expect(await desk.explain("one")).to.include({ ref: "one", isRunning: false });
    const comparison = await desk.compare("one", "two");
    expect([comparison?.before.ref, comparison?.after.ref]).to.deep.equal(["one", "two"]);
    expect([
      await desk.explain("none"),
      await desk.compare("one", "none"),
      await desk.compare("none", "one"),
    ]).to.deep.equal([undefined, undefined, undefined]);
  });

  describe("remove", () => {
    it("removes builds that have ended, and tells of each", async () => {
      await finish("one", "two", "three");
      const { cursor } = events.after(undefined, 1);
      expect(await desk.remove(["one", "two", "two", "none"])).to.equal(2);
      const told = events.after(cursor, 10).events.map(({ build, type }) => `${type} ${build.ref}`);
      expect(told).to.deep.equal(["removed one", "removed two"]);
      expect(await desk.build("one")).to.equal(undefined);
    });

    it("removes nothing where one still runs", async () => {
      await finish("one");
      await run("runs");
      expect((await failure(desk.remove(["one", "runs"])))[0]).to.equal("running");
      expect(await desk.build("one")).not.to.equal(undefined);
    });

    it("tells of none that stays, as one whose end could not be kept", async () => {
      await history.begin(runningSummary({ ref: "stuck" }));
      const { cursor } = events.after(undefined, 1);
      expect(await desk.remove(["stuck"])).to.equal(0);
      expect(events.after(cursor, 10).events).to.deep.equal([]);
    });
  });

  it("gives figures of the history, and events", async () => {
    await finish("one", "two");
    expect((await desk.figures({ sinceMs: 0 })).builds).to.equal(2);
    const { buckets } = await desk.trend({ sinceMs: 0, untilMs: 2 * SAMPLE_STARTED_AT_MS, buckets: 2 });
    expect(buckets.map(({ builds }) => builds)).to.deep.equal([0, 2]);
    const { cursor } = desk.events(undefined, 1);
    let calls = 0;
    const stop = desk.onEvents(() => (calls += 1));
    events.add({ type: "started", build: summaryOf(sampleBuild()), running: [] });
    stop();
    expect([calls, desk.events(cursor, 10).events.length]).to.deep.equal([1, 1]);
  });
});
