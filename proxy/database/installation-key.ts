/** The secret of this installation: what must be comparable, but not readable, is hashed with it. */
import { randomBytes } from "node:crypto";
import type { SqliteDatabase } from "./sqlite-database.js";

const KEY_BYTES = 32;
const NAME = "installation-key";

/** Made at first use, and the same from then on, as long as the database is there. */
export function installationKey(database: SqliteDatabase): Buffer {
  const select = "SELECT value FROM settings WHERE name = ?";
  database.run("INSERT OR IGNORE INTO settings VALUES (?, ?)", [NAME, randomBytes(KEY_BYTES)]);
  const key = database.value(select, [NAME]);
  if (!(key instanceof Uint8Array) || key.length !== KEY_BYTES) throw new Error("the installation key is damaged");
  return Buffer.from(key);
}
