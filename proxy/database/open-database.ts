/** Opens the file that all of MemoBuild's tables are in, or begins it anew. */
import { renameSync, rmSync, statSync } from "node:fs";
import sqlite from "node-sqlite3-wasm";
import type { Database } from "node-sqlite3-wasm";
import { StartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import { migrate } from "./schema.js";
import { SqliteDatabase } from "./sqlite-database.js";

/** A check reads the whole file while nothing else runs: some 2 ms for each MiB. */
const CHECKED_FILE_MAX_BYTES = 64 * 2 ** 20;
/** Of 4 KiB: what one commit may have to copy into the file, which takes some 8 ms, most of it the disk's. */
const CHECKPOINT_PAGES = 250;
const WAL_KEPT_BYTES = 16 * 2 ** 20;
const PAGE_CACHE_KIB = 16 * 1024;

export interface DatabaseOptions {
  readonly path: string;
  readonly logger: Logger;
}

const isBroken = (error: unknown): boolean =>
  // The library hands on SQLite's text, not its code.
  error instanceof sqlite.SQLite3Error && /malformed|not a database/.test(error.message);

function isSound(database: Database, path: string): boolean {
  if (statSync(path).size > CHECKED_FILE_MAX_BYTES) return true;
  return database.get("PRAGMA quick_check(1)")?.["quick_check"] === "ok";
}

/** Undefined where the file is damaged. */
function openSound(path: string): Database | undefined {
  // A killed process leaves its lock behind. The data folder has one of its own: nobody else uses the file.
  rmSync(`${path}.lock`, { recursive: true, force: true });
  const database = new sqlite.Database(path);
  try {
    // Only with the lock kept does a write-ahead log work without shared memory. It spares every commit the wait for
    // the disk: a power failure may lose the last commits, but never breaks the file.
    database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
    database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
    if (isSound(database, path)) {
      migrate(database);
      return database;
    }
  } catch (error) {
    database.close();
    if (!isBroken(error)) throw error;
    return undefined;
  }
  database.close();
  return undefined;
}

function moveAside(path: string): string {
  const movedTo = `${path}.corrupt`;
  renameSync(path, movedTo);
  for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true });
  return movedTo;
}

/**
 * Opens the database or begins one. What is damaged is put aside as `<path>.corrupt`: cache and history begin anew, a
 * build must not wait for them.
 *
 * @throws StartError
 */
export function openDatabase({ path, logger }: DatabaseOptions): SqliteDatabase {
  try {
    const sound = openSound(path);
    if (sound !== undefined) return new SqliteDatabase(sound);
    const movedTo = moveAside(path);
    logger.warn({ path, movedTo }, "database was damaged; a new one was begun");
    const fresh = openSound(path);
    if (fresh === undefined) throw new Error("a new one is damaged at once");
    return new SqliteDatabase(fresh);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError("data-dir", `cannot use the database ${path}: ${reason}`, { cause: error });
  }
}
