/** The history keeps builds as they were told, finds them, and forgets them with all that belongs to them. */
import { expect } from "chai";
import fc from "fast-check";
import { join } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { openDatabase } from "../database/open-database.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { createLogger } from "../log/create-logger.js";
import { finishBuilds, hashOf, logPieces, runningSummary, seriesBuild } from "../test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS, sampleBuild, sampleStep, sampleSummary } from "../test/support/build-samples.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { BadCursorError } from "./build-cursor.js";
import type { BuildOutcome } from "./build-record.js";
import type { BuildQuery } from "./history.js";
import { SqliteHistory } from "./sqlite-history.js";

const START = SAMPLE_STARTED_AT_MS;
const TABLES = ["builds", "summaries", "records", "causes", "logs", "completions", "transfers"];

describe("SqliteHistory", () => {
  let dir: string;
  let database: SqliteDatabase;
  let history: SqliteHistory;
  let nowMs: number;

  const open = (): void => {
    const logger = createLogger({ level: "warn", format: "json", stream: process.stderr });
    database = openDatabase({ path: join(dir, "history.db"), logger });
    history = new SqliteHistory(database, { now: () => nowMs });
  };

  const reopen = (): void => {
    database.close();
    open();
  };

  const count = (table: string): unknown => database.value(`SELECT count(*) FROM ${table}`);

  const finish = (...builds: Parameters<typeof finishBuilds>[1]): Promise<void> => finishBuilds(history, builds);

  const refsOf = async (query: Partial<BuildQuery> = {}): Promise<readonly string[]> =>
    (await history.list({ limit: 100, ...query })).builds.map(({ ref }) => ref);

  beforeEach(async () => {
    dir = await makeTempDir("history");
    nowMs = START;
    open();
  });

  afterEach(async () => {
    database.close();
    await removeDir(dir);
  });

  describe("a build", () => {
    it("is there from its beginning, without steps", async () => {
      const summary = runningSummary();
      await history.begin(summary);

      const { builds, cursor } = await history.list({ limit: 1 });
      expect(builds).to.deep.equal([JSON.parse(JSON.stringify(summary))]);
      expect(cursor).to.equal(undefined);
      expect(await history.build(summary.ref)).to.deep.include({ ref: summary.ref, outcome: "running", steps: [] });
    });

    it("is read as it was finished, after a restart too", async () => {
      const record = sampleBuild({
        steps: Array.from({ length: 250 }, (_, index) => sampleStep({ name: `step ${index} – ü`, inputs: [index] })),
        firstMiss: { step: "step 0", kind: "files_changed", text: "a file changed" },
      });
      await history.begin(runningSummary());
      await history.checkpoint(sampleBuild({ outcome: "running", steps: [] }));
      await history.finish(record);
      const expected: unknown = JSON.parse(JSON.stringify(record));

      expect(await history.build(record.ref)).to.deep.equal(expected);
      reopen();
      expect(await history.build(record.ref)).to.deep.equal(expected);
      expect(await history.markLost()).to.equal(0);
    });

    it("is kept when its beginning was not", async () => {
      await history.finish(sampleBuild());

      expect(await refsOf()).to.deep.equal([sampleBuild().ref]);
    });

    it("is not brought back to life by a checkpoint that comes late", async () => {
      await finish({ ref: "a" });
      await history.checkpoint(sampleBuild({ ref: "a", outcome: "running", endedAtMs: undefined, steps: [] }));

      const build = await history.build("a");
      expect(build?.outcome).to.equal("succeeded");
      expect(build?.steps).to.have.length(sampleBuild().steps.length);
    });

    it("replaces an earlier one of the same ref with its logs", async () => {
      await finish({ ref: "a" });
      await history.appendLog("a", logPieces("s", 3));
      await history.begin(runningSummary({ ref: "a", project: "other" }));

      expect(await history.list({ limit: 2 })).to.have.nested.property("builds.length", 1);
      expect((await history.build("a"))?.project).to.equal("other");
      expect(await history.logs("a", { after: 0, limit: 9 })).to.deep.equal({ pieces: [], next: 0, hasMore: false });
    });

    it("is not there when it never was", async () => {
      expect(await history.build("nobody")).to.equal(undefined);
      expect(await history.logs("nobody", { after: 0, limit: 1 })).to.equal(undefined);
    });

    it("is left out where it cannot be read, and spoils no list", async () => {
      await finish({ ref: "a" }, { ref: "b" }, { ref: "c" }, { ref: "d" });
      const spoil = (table: string, change: string, ref: string): number =>
        database.run(`UPDATE ${table} SET ${change} WHERE build_id = (SELECT id FROM builds WHERE ref = ?)`, [ref]);
      spoil("summaries", `summary = '{"ref":'`, "a");
      spoil("summaries", `summary = json_remove(summary, '$.counts')`, "b");
      spoil("records", "bytes = x'7801'", "c");

      expect(await refsOf()).to.deep.equal(["d", "c"]);
      for (const ref of ["a", "b", "c"]) expect(await history.build(ref), ref).to.equal(undefined);
      expect(await history.markLost()).to.equal(0);
      expect(await history.remove(["a", "b", "c"])).to.equal(3);
    });
  });

  describe("markLost", () => {
    it("ends what ran at its last checkpoint, and what was exported", async () => {
      await finish({ ref: "ended", export: { result: "pending", bytes: 0, durationMs: 0 } });
      await history.begin(runningSummary({ ref: "begun" }));
      await history.begin(runningSummary({ ref: "seen" }));
      nowMs = START + 5000;
      const seen = sampleBuild({ ref: "seen", outcome: "running", endedAtMs: undefined });
      await history.checkpoint(seen);
      reopen();

      expect(await history.markLost()).to.equal(2);
      expect(await history.markLost()).to.equal(0);
      expect(await history.build("seen")).to.deep.include({ outcome: "lost", endedAtMs: START + 5000 });
      expect((await history.build("seen"))?.steps).to.have.length(seen.steps.length);
      expect(await history.build("begun")).to.include({ outcome: "lost", endedAtMs: START });
      expect((await history.build("ended"))?.export.result).to.equal("lost");
    });
  });

  describe("list", () => {
    it("has the latest start first, and filters", async () => {
      await finish(
        { ref: "a", project: "github.com/acme/shop", builder: "b1", group: "g1" },
        { ref: "b", project: "github.com/acme/100%_shop", builder: "b2", group: "g1", outcome: "failed" },
        { ref: "c", project: "gitlab.com/other", builder: "b2", group: "g2", outcome: "canceled" },
      );

      expect(await refsOf()).to.deep.equal(["c", "b", "a"]);
      expect(await refsOf({ project: "acme" })).to.deep.equal(["b", "a"]);
      expect(await refsOf({ project: "%_" })).to.deep.equal(["b"]);
      expect(await refsOf({ builder: "b2" })).to.deep.equal(["c", "b"]);
      expect(await refsOf({ group: "g1", builder: "b2" })).to.deep.equal(["b"]);
      expect(await refsOf({ outcome: "canceled" })).to.deep.equal(["c"]);
      expect(await refsOf({ sinceMs: START + 1000 })).to.deep.equal(["c", "b"]);
    });

    it("goes on behind a cursor, whatever has begun or gone meanwhile", async () => {
      const refs = ["a", "b", "c", "d", "e"];
      await finish(...refs.map((ref) => ({ ref, startedAtMs: START })));
      const first = await history.list({ limit: 2 });
      await finish({ ref: "new", startedAtMs: START + 1 });
      await history.remove(["d"]);
      const second = await history.list({ limit: 2, cursor: first.cursor });
      const third = await history.list({ limit: 2, cursor: second.cursor });

      expect([first, second, third].map((page) => page.builds.map(({ ref }) => ref))).to.deep.equal([
        ["e", "d"],
        ["c", "b"],
        ["a"],
      ]);
      expect(third.cursor).to.equal(undefined);
    });

    it("refuses a cursor that no page gave", async () => {
      const failure: unknown = await history.list({ limit: 1, cursor: "what?" }).catch((error: unknown) => error);

      expect(failure).to.be.instanceOf(BadCursorError);
    });

    it("shows each build once, as a plain list would", async () => {
      const build = fc.record({
        startedAtMs: fc.integer({ min: START, max: START + 3 }),
        project: fc.constantFrom("x", "xy", "z"),
        builder: fc.constantFrom("b1", "b2"),
        outcome: fc.constantFrom<BuildOutcome>("succeeded", "failed"),
      });
      const query = fc.record(
        {
          project: fc.constantFrom("x", "y"),
          builder: fc.constant("b1"),
          outcome: fc.constant<BuildOutcome>("failed"),
          sinceMs: fc.integer({ min: START, max: START + 4 }),
        },
        { requiredKeys: [] },
      );
      await fc.assert(
        fc.asyncProperty(
          fc.array(build, { maxLength: 12 }),
          query,
          fc.integer({ min: 1, max: 5 }),
          pagesLikeAPlainList,
        ),
        { numRuns: 40 },
      );
    }).timeout(20_000);
  });

  describe("refs", () => {
    it("finds what begins with the text, latest first, and takes no character for a pattern", async () => {
      await finish(...["ab1", "ab2", "a%", "a_", "b", "ab\u{10fffe}"].map((ref) => ({ ref })));

      expect(await history.refs("ab", 10)).to.deep.equal(["ab\u{10fffe}", "ab2", "ab1"]);
      expect(await history.refs("a%", 10)).to.deep.equal(["a%"]);
      expect(await history.refs("", 2)).to.deep.equal(["ab\u{10fffe}", "b"]);
      expect(await history.refs("abc", 10)).to.deep.equal([]);
    });
  });

  describe("latest", () => {
    it("counts builds from the latest start", async () => {
      await finish({ ref: "a" }, { ref: "b" });
      await history.begin(runningSummary({ ref: "c", startedAtMs: START + 500 }));

      expect([await history.latest(1), await history.latest(2), await history.latest(3)]).to.deep.equal([
        "b",
        "c",
        "a",
      ]);
      expect(await history.latest(4)).to.equal(undefined);
    });
  });

  describe("alike", () => {
    it("has ended builds of the same identity that began before, the latest first", async () => {
      await finish(
        ...["a", "b", "c"].map((ref) => ({ ref })),
        { ref: "other target", target: "dev" },
        { ref: "other tenant", tenant: "t2" },
        { ref: "too late", startedAtMs: START + 9000 },
      );
      await history.begin(runningSummary({ ref: "running", startedAtMs: START + 100 }));

      expect(await history.alike(sampleSummary(), START + 9000, 2)).to.deep.equal(["c", "b"]);
      expect(await history.alike(sampleSummary(), START + 1000, 5)).to.deep.equal(["a"]);
      expect(await history.alike(sampleSummary({ platform: "linux/arm64" }), START + 9000, 5)).to.deep.equal([]);
    });
  });

  describe("exportsOf", () => {
    it("has what became of exports, and why they are gone", async () => {
      await finish({ ref: "a" }, { ref: "b", export: { result: "none", bytes: 0, durationMs: 0 } }, { ref: "c" });
      await history.noteExport("a", { result: "failed", bytes: 5, durationMs: 70.4 });
      await history.noteRemoval(["c", "nobody"], "age", START + 99);

      expect(await history.exportsOf(["nobody", "c", "a", "b"])).to.deep.equal([
        { ref: "c", ...sampleSummary().export, removed: { atMs: START + 99, rule: "age" } },
        { ref: "a", result: "failed", bytes: 5, durationMs: 70 },
        { ref: "b", result: "none", bytes: 0, durationMs: 0 },
      ]);
      const noted = { result: "failed", bytes: 5, durationMs: 70 };
      expect((await history.build("a"))?.export).to.deep.equal(noted);
      expect((await history.list({ limit: 3 })).builds.at(-1)?.export).to.deep.equal(noted);
    });
  });

  describe("remove", () => {
    it("takes along all that belongs to ended builds, and leaves running ones", async () => {
      const fileList = await history.keepFileList([]);
      const transfers = [{ ...firstTransfer(), fileList }];
      const steps = seriesBuild(1, { projects: 1, steps: 600, newSteps: 600 }).steps;
      await finish({ ref: "a", transfers, steps });
      await history.appendLog("a", logPieces("s", 10));
      await history.begin(runningSummary({ ref: "b" }));
      expect(TABLES.map(count)).to.not.include(0);

      expect(await history.remove(["a", "b", "nobody"])).to.equal(1);
      expect(TABLES.map(count)).to.deep.equal([1, 1, 0, 0, 0, 0, 0]);
      expect(await refsOf()).to.deep.equal(["b"]);
    });

    it("leaves nothing behind of what is still being written", async () => {
      await finish({ ref: "a" });
      const build = seriesBuild(1, { projects: 1, steps: 1000, newSteps: 1000 });
      const work = [
        history.finish({ ...build, ref: "a" }),
        history.appendLog("a", logPieces("s", 1000)),
        history.remove(["a"]),
        history.appendLog("a", logPieces("s", 10)),
      ];
      await Promise.all(work);

      expect(TABLES.map(count)).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
    }).timeout(10_000);
  });

  describe("retain", () => {
    it("removes the oldest ended builds beyond the number and the age", async () => {
      await history.begin(runningSummary({ ref: "running", startedAtMs: START - 9000 }));
      await finish(...["a", "b", "c", "d"].map((ref) => ({ ref })));

      expect(await history.retain({ maxBuilds: 5, startedAfterMs: START })).to.equal(0);
      expect(await history.retain({ maxBuilds: 4, startedAfterMs: START })).to.equal(1);
      expect(await refsOf()).to.deep.equal(["d", "c", "b", "running"]);
      expect(await history.retain({ maxBuilds: 4, startedAfterMs: START + 3000 })).to.equal(2);
      expect(await refsOf()).to.deep.equal(["d", "running"]);
    });

    it("removes the oldest builds, down to the limit of bytes", async () => {
      await finish(...["a", "b", "c"].map((ref) => ({ ref })));
      const ofOne = Number(database.value("SELECT max(record_bytes) FROM builds"));
      const limited = new SqliteHistory(database, { now: () => nowMs, recordsMaxBytes: 2 * ofOne });

      expect(await limited.retain({ maxBuilds: 3, startedAfterMs: 0 })).to.equal(1);
      expect(await refsOf()).to.deep.equal(["c", "b"]);
    });
  });

  describe("latestTransfer", () => {
    it("is the latest of that name in the project whose list is still there", async () => {
      const name = await history.keepFileList([]);
      const transfer = (fileList: string, sentBytes: number) => ({ ...firstTransfer(), fileList, sentBytes });
      const other = { ...transfer(name, 9), name: "dockerfile" };
      await finish(
        { ref: "a", transfers: [transfer(name, 1)] },
        { ref: "b", target: "dev", transfers: [transfer(name, 2), other] },
        { ref: "c", transfers: [transfer("", 3)] },
        { ref: "d", transfers: [transfer(hashOf("gone"), 4)] },
        { ref: "e", project: "other", transfers: [transfer(name, 5)] },
      );

      expect(await history.latestTransfer(sampleSummary(), "context")).to.deep.equal(transfer(name, 2));
      expect(await history.latestTransfer(sampleSummary(), "dockerfile")).to.deep.equal(other);
      expect(await history.latestTransfer(sampleSummary(), "nothing")).to.equal(undefined);
      expect(await history.latestTransfer(sampleSummary({ tenant: "t2" }), "context")).to.equal(undefined);
    });
  });
});

const firstTransfer = () => {
  const [transfer] = sampleBuild().transfers;
  if (transfer === undefined) throw new Error("the sample has a transfer");
  return transfer;
};

interface Listed {
  readonly startedAtMs: number;
  readonly project: string;
  readonly builder: string;
  readonly outcome: BuildOutcome;
}

async function pagesLikeAPlainList(
  builds: readonly Listed[],
  query: Partial<Omit<BuildQuery, "limit" | "cursor">>,
  limit: number,
): Promise<void> {
  const memory = new sqlite.Database();
  try {
    migrate(memory);
    const history = new SqliteHistory(new SqliteDatabase(memory), { now: () => START });
    const all = builds.map((build, index) => sampleSummary({ ...build, ref: `ref-${index}` }));
    for (const build of all) await history.begin(build);
    const wanted = all
      .filter(({ project }) => project.includes(query.project ?? ""))
      .filter(({ builder }) => builder === (query.builder ?? builder))
      .filter(({ outcome }) => outcome === (query.outcome ?? outcome))
      .filter(({ startedAtMs }) => startedAtMs >= (query.sinceMs ?? 0))
      .reverse()
      .sort((a, b) => b.startedAtMs - a.startedAtMs);

    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await history.list({ ...query, limit, cursor });
      expect(page.builds.length).to.be.at.most(limit);
      seen.push(...page.builds.map(({ ref }) => ref));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).to.deep.equal(wanted.map(({ ref }) => ref));
  } finally {
    memory.close();
  }
}
