/** What is kept of the farm, in a real database. */
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import { migrate } from "../database/schema.js";
import { SqliteDatabase } from "../database/sqlite-database.js";
import { SqliteKeptBuilders } from "./kept-builders.js";

describe("SqliteKeptBuilders", () => {
  const open = (): { readonly kept: SqliteKeptBuilders; readonly database: SqliteDatabase } => {
    const file = new sqlite.Database();
    migrate(file);
    const database = new SqliteDatabase(file);
    return { kept: new SqliteKeptBuilders(database), database };
  };

  it("keeps added builders in their order, as they were given", () => {
    const { kept, database } = open();
    kept.add("tcp://b:1", "tcp://b:1,cacert=/ca");
    kept.add("tcp://a:1", "tcp://a:1");
    expect(new SqliteKeptBuilders(database).addedAddresses()).to.deep.equal(["tcp://b:1,cacert=/ca", "tcp://a:1"]);
    database.close();
  });

  it("keeps which are drained", () => {
    const { kept, database } = open();
    expect(kept.isDraining("b")).to.equal(false);
    kept.setDraining("b", true);
    kept.setDraining("b", true);
    expect(kept.isDraining("b")).to.equal(true);
    expect(kept.isDraining("c")).to.equal(false);
    kept.setDraining("b", false);
    expect(kept.isDraining("b")).to.equal(false);
    database.close();
  });

  it("forgets all of one, and nothing of others", () => {
    const { kept, database } = open();
    for (const name of ["a", "b"]) {
      kept.add(name, name);
      kept.setDraining(name, true);
    }
    kept.forget("a");
    expect(kept.addedAddresses()).to.deep.equal(["b"]);
    expect([kept.isDraining("a"), kept.isDraining("b")]).to.deep.equal([false, true]);
    database.close();
  });
});
