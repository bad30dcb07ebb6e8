/** A list of files is kept once, as long as a build needs it, and a while before one does. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { hashOf } from "../test/support/build-records.js";
import type { FileList, ListedFile, TransferRecord } from "./build-record.js";
import { SqliteFileLists, UNREFERENCED_KEPT_MS } from "./sqlite-file-lists.js";

const file = (path: string): ListedFile => ({
  path,
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  sizeBytes: path.length,
  modifiedAtMs: 1_800_000_000_123.456,
  linkname: "",
  contentHash: hashOf(path),
  wasRequested: path.endsWith("o"),
});

const transferOf = (fileList: string): TransferRecord => ({
  ...{ name: "context", fileList, fileCount: 1, isComplete: true, requestedFiles: 0, sentBytes: 0 },
});

describe("SqliteFileLists", () => {
  let database: SqliteDatabase;
  let lists: SqliteFileLists;
  let nowMs: number;

  beforeEach(() => {
    const memory = new sqlite.Database();
    migrate(memory);
    database = new SqliteDatabase(memory);
    nowMs = 0;
    lists = new SqliteFileLists(database, { now: () => nowMs });
  });

  afterEach(() => {
    database.close();
  });

  it("gives a list as it was kept", async () => {
    const files: FileList = Array.from({ length: 1234 }, (_, index) => file(`src/ü "${index}"/main.o`));
    const name = await lists.keep(files);

    expect(name).to.match(/^[0-9a-f]{64}$/);
    expect(await lists.read(name)).to.deep.equal(files);
    expect(await lists.read(await lists.keep([]))).to.deep.equal([]);
  });

  it("keeps equal lists once, and has another name for others", async () => {
    const [one, two] = await Promise.all([lists.keep([file("a")]), lists.keep([file("a")])]);
    const others = [[{ ...file("a"), mode: 0o755 }], [file("a"), file("b")], []];
    const names = await Promise.all(others.map((files) => lists.keep(files)));

    expect(two).to.equal(one);
    expect(new Set([one, ...names])).to.have.property("size", 4);
    expect(database.value("SELECT count(*) FROM file_lists")).to.equal(4);
  });

  it("does not know other names, nor what is damaged", async () => {
    const name = await lists.keep([file("a")]);
    database.run("UPDATE file_lists SET bytes = x'7801'");

    for (const unknown of [name, hashOf("b"), "", "no name"]) expect(await lists.read(unknown)).to.equal(undefined);
  });

  it("keeps what no build needs for a while, and what a build needs until that is gone", async () => {
    const [needed, fresh, old] = await Promise.all([lists.keep([file("a")]), lists.keep([file("b")]), lists.keep([])]);
    lists.refer(1, [transferOf(needed), transferOf(hashOf("unknown"))]);
    lists.refer(2, [transferOf(needed)]);
    nowMs = UNREFERENCED_KEPT_MS + 1;
    await lists.keep([file("b")]);
    await lists.retain();
    expect([await lists.read(needed), await lists.read(fresh)]).to.not.include(undefined);
    expect(await lists.read(old)).to.equal(undefined);

    lists.refer(1, []);
    await lists.retain();
    expect(await lists.read(needed)).to.not.equal(undefined);
    lists.refer(2, [transferOf(fresh)]);
    await lists.retain();
    expect(await lists.read(needed)).to.equal(undefined);
  });

  it("removes those that were not kept again for longest, down to its limit", async () => {
    const names: string[] = [];
    for (const path of ["a", "b", "c"]) {
      nowMs += 1;
      names.push(await lists.keep([file(path)]));
      lists.refer(names.length, [transferOf(names.at(-1) ?? "")]);
    }
    nowMs += 1;
    await lists.keep([file("a")]);
    const ofOne = Number(database.value("SELECT max(size) FROM file_lists"));
    await new SqliteFileLists(database, { now: () => nowMs, maxBytes: 2 * ofOne }).retain();

    const left = await Promise.all(names.map((name) => lists.read(name)));
    expect(left.map((list) => list?.[0]?.path)).to.deep.equal(["a", undefined, "c"]);
  });
});
