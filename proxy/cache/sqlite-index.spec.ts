/** SqliteIndex keeps what every index promises, and survives what happens to files. */
import { expect } from "chai";
import { copyFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sqlite from "node-sqlite3-wasm";
import { StartError } from "../config/start-error.js";
import { createLogger } from "../log/create-logger.js";
import {
  addBlobs,
  cacheIndexContract,
  chainGraph,
  digestFor,
  publishChain,
} from "../test/support/cache-index-contract.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { openSqliteIndex, type SqliteIndex } from "./sqlite-index.js";

describe("SqliteIndex", () => {
  let dir: string;
  let path: string;
  let lines: string[];
  const opened: SqliteIndex[] = [];

  const open = (): SqliteIndex => {
    const stream = { write: (line: string) => lines.push(line) };
    const index = openSqliteIndex({ path, logger: createLogger({ level: "info", format: "json", stream }) });
    opened.push(index);
    return index;
  };

  beforeEach(async () => {
    dir = await makeTempDir("index");
    path = join(dir, "index.db");
    lines = [];
  });

  afterEach(async () => {
    for (const index of opened.splice(0)) await index.close();
    await removeDir(dir);
  });

  describe("as every index", () => {
    cacheIndexContract(() => Promise.resolve(open()));
  });

  it("keeps everything when it is opened again", async () => {
    const first = open();
    const { id } = await publishChain(first, ["a", "b"]);
    await first.setPinned(id, true);
    await first.touch([id], 7000);
    await first.close();

    const second = open();
    expect(await second.export(id)).to.include({ isPinned: true, lastUsedAtMs: 7000, recordCount: 2 });
    expect((await second.graphs([id])).get(id)).to.deep.equal(chainGraph("a", "b"));
    expect(await second.totals()).to.include({ exports: 1, pinnedExports: 1, records: 2, blobs: 2 });
    expect(lines).to.deep.equal([]);
  });

  it("leaves one file when it is closed, and closes twice", async () => {
    const index = open();
    await publishChain(index, ["a"]);
    await index.close();
    await index.close();

    expect(await readdir(dir)).to.deep.equal(["index.db"]);
  });

  it("keeps its log short, whatever is read in between", async () => {
    const index = open();
    const { id } = await publishChain(index, ["a"]);
    for (let i = 0; i < 1000; i += 1) {
      await index.touch([id], 10_000 + i);
      if (i % 10 === 0) await index.exports({ limit: 1 });
    }

    expect((await stat(`${path}-wal`)).size).to.be.lessThan(4 * 2 ** 20);
    expect((await stat(path)).size).to.be.greaterThan(4096);
  }).timeout(15_000);

  it("opens what a killed process left: its lock, and commits that are in the log only", async () => {
    const running = open();
    await publishChain(running, ["a"]);
    const killed = join(dir, "killed");
    await mkdir(join(killed, "index.db.lock"), { recursive: true });
    for (const name of ["index.db", "index.db-wal"]) await copyFile(join(dir, name), join(killed, name));
    path = join(killed, "index.db");

    expect(await open().totals()).to.include({ exports: 1, blobs: 1 });
  });

  for (const [what, spoil] of [
    ["is no database", (file: string) => writeFile(file, "what is this?".repeat(1000))],
    ["is cut short", (file: string) => truncate(file, 3 * 4096)],
    [
      "has a page of zeros",
      async (file: string) => {
        const bytes = await readFile(file);
        await writeFile(file, bytes.fill(0, 4096, 5 * 4096));
      },
    ],
  ] as const) {
    it(`puts a file aside that ${what}, says so once, and begins a new one`, async () => {
      const first = open();
      for (const name of ["a", "b", "c"]) await publishChain(first, [name]);
      await first.close();
      await spoil(path);
      const spoiled = await readFile(path);

      const second = open();
      expect(await second.totals()).to.include({ exports: 0, blobs: 0 });
      await addBlobs(second, "a");
      expect(await readFile(`${path}.corrupt`)).to.deep.equal(spoiled);
      expect(lines).to.have.length(1);
      expect(lines[0]).to.contain("index.db.corrupt");
    });
  }

  it("begins a new one where the file was deleted, and its log was not", async () => {
    const first = open();
    await publishChain(first, ["a"]);
    await copyFile(`${path}-wal`, join(dir, "kept"));
    await first.close();
    await rm(path);
    await copyFile(join(dir, "kept"), `${path}-wal`);

    const second = open();
    expect(await second.totals()).to.include({ exports: 0, blobs: 0 });
    expect(await second.blob(digestFor("a"))).to.equal(undefined);
    await publishChain(second, ["b"]);
  });

  it("refuses a file of a later version, and leaves it as it is", async () => {
    await open().close();
    const later = new sqlite.Database(path);
    later.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA user_version = 1000");
    later.close();
    const before = await readFile(path);

    expect(open).to.throw(StartError, /index\.db: .* version 1000/);
    expect(await readFile(path)).to.deep.equal(before);
    expect(await readdir(dir)).to.deep.equal(["index.db"]);
  });

  it("refuses a path that cannot be opened", async () => {
    await mkdir(path);

    expect(open).to.throw(StartError, /cannot use the database/);
  });
});
