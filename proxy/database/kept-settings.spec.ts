/** Changed settings outlive the database's connection. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import type { Database } from "node-sqlite3-wasm";
import { SqliteKeptSettings } from "./kept-settings.js";
import { migrate } from "./schema.js";
import { SqliteDatabase } from "./sqlite-database.js";

describe("SqliteKeptSettings", () => {
  let database: Database;

  beforeEach(() => {
    database = new sqlite.Database();
    migrate(database);
  });
  afterEach(() => {
    database.close();
  });

  it("gives what was kept last of each, to whoever asks", () => {
    const kept = new SqliteKeptSettings(new SqliteDatabase(database));
    kept.keep({ cache: "off", "queue-timeout": "1m" });
    kept.keep({ cache: 'read-only "now"', "export-timeout": "2m", "queue-timeout": null });
    expect([...new SqliteKeptSettings(new SqliteDatabase(database)).all()]).to.deep.equal([
      ["cache", 'read-only "now"'],
      ["export-timeout", "2m"],
    ]);
  });

  it("keeps all of a change or nothing", () => {
    const kept = new SqliteKeptSettings(new SqliteDatabase(database));
    kept.keep({ cache: "on" });
    database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON changed_settings WHEN new.name = 'b'
      BEGIN SELECT RAISE(ABORT, 'refused'); END`);
    expect(() => {
      kept.keep({ cache: null, a: "1", b: "2" });
    }).to.throw("refused");
    expect([...kept.all()]).to.deep.equal([["cache", "on"]]);
  });
});
