/** Logs are read in the order in which they were told, page by page, and the oldest go when there are too many. */
import { expect } from "chai";
import fc from "fast-check";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { hashOf, logPieces, runningSummary } from "../test/support/build-records.js";
import { SAMPLE_STARTED_AT_MS, sampleSummary } from "../test/support/build-samples.js";
import type { LogPage, LogPiece } from "./history.js";
import { SqliteHistory } from "./sqlite-history.js";
import { LOG_PAGE_MAX_BYTES, SqliteLogs } from "./sqlite-logs.js";

const NEVER_FULL = 2 ** 40;

describe("SqliteLogs", () => {
  let database: SqliteDatabase;
  let logs: SqliteLogs;

  /** Ids count from 1. */
  const begin = async (...refs: readonly string[]): Promise<void> => {
    const history = new SqliteHistory(database, { now: () => SAMPLE_STARTED_AT_MS });
    for (const [index, ref] of refs.entries()) {
      await history.begin(sampleSummary({ ref, startedAtMs: SAMPLE_STARTED_AT_MS + index }));
    }
  };

  const readAll = async (limit: number, step?: string): Promise<{ pages: number; pieces: readonly LogPiece[] }> => {
    const pieces: LogPiece[] = [];
    let page: LogPage = { pieces: [], next: 0, hasMore: true };
    let pages = 0;
    while (page.hasMore) {
      page = await logs.page(1, { step, after: page.next, limit });
      pieces.push(...page.pieces);
      pages += 1;
    }
    return { pages, pieces };
  };

  beforeEach(async () => {
    const memory = new sqlite.Database();
    migrate(memory);
    database = new SqliteDatabase(memory);
    logs = new SqliteLogs(database);
    await begin("a");
  });

  afterEach(() => {
    database.close();
  });

  it("gives every piece once, in order, for all and for each step, in pages of any size", async () => {
    const piece = fc.record({
      step: fc.constantFrom("x", "y", "z"),
      stream: fc.constantFrom(1, 2),
      atMs: fc.integer(),
      text: fc.string({ unit: "grapheme" }),
    });
    const calls = fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(calls, fc.integer({ min: 1, max: 7 }), async (told, limit) => {
        await logs.remove(1);
        for (const pieces of told) await logs.append("a", pieces);
        const all = told.flat();
        expect((await readAll(limit)).pieces).to.deep.equal(all);
        expect((await readAll(limit, "y")).pieces).to.deep.equal(all.filter(({ step }) => step === "y"));
      }),
      { numRuns: 25 },
    );
  }).timeout(20_000);

  it("goes on where a page ended, with what was told since", async () => {
    await logs.append("a", logPieces("x", 3));
    const first = await logs.page(1, { after: 0, limit: 9 });
    await logs.append("a", logPieces("x", 2, 3));
    const second = await logs.page(1, { after: first.next, limit: 9 });

    expect(first).to.deep.equal({ pieces: logPieces("x", 3), next: 3, hasMore: false });
    expect(second).to.deep.equal({ pieces: logPieces("x", 2, 3), next: 5, hasMore: false });
    expect(await logs.page(1, { after: 99, limit: 9 })).to.deep.equal({ pieces: [], next: 99, hasMore: false });
  });

  it("keeps a page small, but never empty", async () => {
    const long = logPieces("x", 5).map((piece) => ({ ...piece, text: "ü".repeat(LOG_PAGE_MAX_BYTES / 4) }));
    const longer = { ...logPieces("x", 1)[0], step: "x", stream: 1, atMs: 0, text: "a".repeat(2 * LOG_PAGE_MAX_BYTES) };
    await logs.append("a", [...long, longer]);

    const { pages, pieces } = await readAll(1000);
    expect(pieces).to.have.length(6);
    expect(pages).to.equal(4);
  });

  it("cuts much text into rows of a bounded size", async () => {
    const random = Array.from({ length: 5000 }, (_, index) => ({ ...logPieces("x", 1)[0], text: hashOf(index) }));
    await logs.append(
      "a",
      random.map(({ text }) => ({ step: "x", stream: 1, atMs: 0, text })),
    );

    expect(database.value("SELECT max(length(bytes)) FROM logs")).to.be.lessThan(128 << 10);
    expect(database.value("SELECT count(*) FROM logs")).to.equal(3);
  });

  it("leaves out what is damaged, and reads the rest", async () => {
    for (const first of [0, 2, 4]) await logs.append("a", logPieces("x", 2, first));
    database.run("UPDATE logs SET bytes = x'00' WHERE first = 2");

    expect((await readAll(3)).pieces).to.deep.equal([...logPieces("x", 2), ...logPieces("x", 2, 4)]);
  });

  it("drops what belongs to no build", async () => {
    await logs.append("nobody", logPieces("x", 2));

    expect(database.value("SELECT count(*) FROM logs")).to.equal(0);
  });

  it("removes the logs of the oldest builds that have ended, down to its limit", async () => {
    await begin("b", "c");
    const history = new SqliteHistory(database, { now: () => SAMPLE_STARTED_AT_MS });
    await history.begin(runningSummary({ ref: "running", startedAtMs: 1 }));
    for (const ref of ["a", "b", "c", "running"]) await logs.append(ref, logPieces("x", 500));
    const ofOne = Number(database.value("SELECT max(log_bytes) FROM builds"));
    const left = () => database.column("SELECT DISTINCT build_id FROM logs ORDER BY build_id", []);

    await new SqliteLogs(database, NEVER_FULL).retain();
    expect(left()).to.have.length(4);
    await new SqliteLogs(database, 3 * ofOne).retain();
    expect(left()).to.deep.equal([2, 3, 4]);
    await new SqliteLogs(database, 0).retain();
    expect(left()).to.deep.equal([4]);
    expect(database.column("SELECT log_bytes FROM builds WHERE id < 4", [])).to.deep.equal([0, 0, 0]);
  });
});
