/** The schema is reached from every earlier version. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import type { Database } from "node-sqlite3-wasm";
import { migrate, MIGRATIONS, NewerSchemaError } from "./schema.js";

describe("migrate", () => {
  let database: Database;

  beforeEach(() => {
    database = new sqlite.Database();
  });

  afterEach(() => {
    database.close();
  });

  const version = (): unknown => database.get("PRAGMA user_version")?.["user_version"];

  it("begins with the present version, and does nothing the second time", () => {
    migrate(database);
    migrate(database);

    expect(version()).to.equal(MIGRATIONS.length);
    expect(database.get("SELECT exports FROM totals")).to.deep.equal({ exports: 0 });
  });

  it("takes what an earlier version holds along", () => {
    migrate(database, MIGRATIONS.slice(0, 1));
    database.run("INSERT INTO blobs (digest, size, version, stored_at) VALUES (x'00', 5, 'v', 1)");

    migrate(database, [...MIGRATIONS, "ALTER TABLE blobs ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"]);

    expect(version()).to.equal(MIGRATIONS.length + 1);
    expect(database.get("SELECT size, colour FROM blobs")).to.deep.equal({ size: 5, colour: "red" });
  });

  it("adds the farm beside the builds that are recorded", () => {
    migrate(database, MIGRATIONS.slice(0, 2));
    database.run("INSERT INTO builders (address, first_seen_at) VALUES ('unix:///b', 1)");

    migrate(database);

    expect(database.get("SELECT address FROM builders")).to.deep.equal({ address: "unix:///b" });
    expect(database.get("SELECT count(*) AS count FROM added_builders")).to.deep.equal({ count: 0 });
  });

  it("keeps the exports of an earlier version, which have no hits yet", () => {
    migrate(database, MIGRATIONS.slice(0, 3));
    const numbers = ["created_at", "last_used_at", "size", "records", "results", "blobs"];
    const texts = ["tenant", "project", "dockerfile", "target", "platform", "revision", "builder", "ref"];
    const values = [...numbers.map(() => "1"), ...texts.map(() => "'x'"), "x''"];
    database.exec(`INSERT INTO exports (${[...numbers, ...texts, "content"].join()}) VALUES (${values.join()})`);

    migrate(database);

    expect(database.get("SELECT project, hits FROM exports")).to.deep.equal({ project: "x", hits: 0 });
    expect(database.get("SELECT count(*) AS count FROM removals")).to.deep.equal({ count: 0 });
  });

  it("changes nothing when a step fails", () => {
    migrate(database);
    const broken = "CREATE TABLE half (a INTEGER); SELECT nonsense FROM nowhere";

    expect(() => {
      migrate(database, [...MIGRATIONS, broken]);
    }).to.throw("nowhere");

    expect(version()).to.equal(MIGRATIONS.length);
    expect(database.get("SELECT name FROM sqlite_schema WHERE name = 'half'")).to.equal(null);
  });

  it("refuses a later version", () => {
    database.exec("PRAGMA user_version = 7");

    expect(() => {
      migrate(database);
    }).to.throw(NewerSchemaError);
    expect(version()).to.equal(7);
  });
});
