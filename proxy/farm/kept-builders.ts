/** What was done to the farm at run time, kept across restarts: builders that were added, and those that are drained. */
import type { SqliteDatabase } from "../database/sqlite-database.js";

export interface KeptBuilders {
  /** As they were given, TLS attributes and all; oldest first. */
  addedAddresses(): readonly string[];
  isDraining(name: string): boolean;
  add(name: string, address: string): void;
  setDraining(name: string, isDraining: boolean): void;
  /** Nothing of it is left. */
  forget(name: string): void;
}

export class SqliteKeptBuilders implements KeptBuilders {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  addedAddresses(): readonly string[] {
    return this.#database.column("SELECT address FROM added_builders ORDER BY id", []).map(String);
  }

  isDraining(name: string): boolean {
    return this.#database.value("SELECT count(*) FROM draining_builders WHERE name = ?", [name]) === 1;
  }

  add(name: string, address: string): void {
    this.#database.run("INSERT OR REPLACE INTO added_builders (name, address) VALUES (?, ?)", [name, address]);
  }

  setDraining(name: string, isDraining: boolean): void {
    const change = isDraining
      ? "INSERT OR IGNORE INTO draining_builders VALUES (?)"
      : "DELETE FROM draining_builders WHERE name = ?";
    this.#database.run(change, [name]);
  }

  forget(name: string): void {
    this.#database.transaction(() => {
      this.#database.run("DELETE FROM added_builders WHERE name = ?", [name]);
      this.#database.run("DELETE FROM draining_builders WHERE name = ?", [name]);
    });
  }
}
