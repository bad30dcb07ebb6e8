/** Options that were changed at run time, kept across restarts. */
import { z } from "zod";
import type { KeptSettings } from "../config/runtime-settings.js";
import type { SqliteDatabase } from "./sqlite-database.js";

const PAIR = z.tuple([z.string(), z.string()]);
const ROW = "SELECT json_array(name, value) AS row FROM changed_settings ORDER BY name";

export class SqliteKeptSettings implements KeptSettings {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  all(): ReadonlyMap<string, string> {
    return new Map(this.#database.rows(ROW, [], (row) => PAIR.parse(row)));
  }

  keep(changes: Readonly<Record<string, string | null>>): void {
    this.#database.transaction(() => {
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) this.#database.run("DELETE FROM changed_settings WHERE name = ?", [name]);
        else this.#database.run("INSERT OR REPLACE INTO changed_settings (name, value) VALUES (?, ?)", [name, value]);
      }
    });
  }
}
