/** A SQLite file of our own: opened or begun anew, its statements kept, its rows read as JSON. */
import { renameSync, rmSync, statSync } from "node:fs";
import sqlite from "node-sqlite3-wasm";
import type { Database, JSValue, Statement } from "node-sqlite3-wasm";
import { z } from "zod";
import { migrate } from "./sqlite-schema.js";

/** A check reads the whole file while nothing else runs: some 2 ms for each MiB. */
const CHECKED_FILE_MAX_BYTES = 64 * 2 ** 20;
/** Of 4 KiB: what one commit may have to copy into the file, which takes some 8 ms, most of it the disk's. */
const CHECKPOINT_PAGES = 250;
const WAL_KEPT_BYTES = 16 * 2 ** 20;
const PAGE_CACHE_KIB = 16 * 1024;
const STATEMENTS_MAX = 100;

const ROWS = z.array(z.unknown());

export type Value = JSValue;

export interface OpenedDatabase {
  readonly database: SqliteDatabase;
  /** Where a file that could not be used lies now. */
  readonly movedTo?: string;
}

const isBroken = (error: unknown): boolean =>
  // The library hands on SQLite's text, not its code.
  error instanceof sqlite.SQLite3Error && /malformed|not a database/.test(error.message);

function isSound(database: Database, path: string): boolean {
  if (statSync(path).size > CHECKED_FILE_MAX_BYTES) return true;
  return database.get("PRAGMA quick_check(1)")?.["quick_check"] === "ok";
}

/** Undefined where the file is damaged. */
function openSound(path: string, migrations: readonly string[] | undefined): Database | undefined {
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
      migrate(database, migrations);
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
 * A file that is damaged is moved to `<path>.corrupt`, and a new one begun.
 *
 * @throws NewerSchemaError
 */
export function openDatabase(path: string, migrations?: readonly string[]): OpenedDatabase {
  const sound = openSound(path, migrations);
  if (sound !== undefined) return { database: new SqliteDatabase(sound) };
  const movedTo = moveAside(path);
  const fresh = openSound(path, migrations);
  if (fresh === undefined) throw new Error(`a new database at ${path} is damaged at once`);
  return { database: new SqliteDatabase(fresh), movedTo };
}

/** Every call runs to its end on the event loop. */
export class SqliteDatabase {
  readonly #database: Database;
  readonly #statements = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** How many rows it changed. */
  run(sql: string, values: Value[] = []): number {
    return this.#use(sql, (statement) => statement.run(values).changes);
  }

  /** Runs an INSERT and returns the id of the row. */
  insert(sql: string, values: Value[]): number {
    return this.#use(sql, (statement) => Number(statement.run(values).lastInsertRowid));
  }

  /** The first column of the first row, where it is a number or bytes. */
  value(sql: string, values: Value[] = []): number | Uint8Array | undefined {
    const [first] = this.column(sql, values);
    return typeof first === "number" || first instanceof Uint8Array ? first : undefined;
  }

  /** The first column of each row. */
  column(sql: string, values: Value[]): unknown[] {
    // All, even where one row is wanted: a statement that was not read to its end keeps its snapshot, and as long as
    // there is one, nothing is copied from the log into the file.
    const found: readonly Readonly<Record<string, unknown>>[] = this.#use(sql, (statement) => statement.all(values));
    return found.map((row) => Object.values(row)[0]);
  }

  /**
   * Rows of a SELECT whose only column is a JSON array. They come as one text, because each value that the library
   * hands over costs microseconds.
   */
  rows<T>(select: string, values: Value[], parse: (row: unknown) => T): T[] {
    const list = "'[' || coalesce(group_concat(row, ','), '') || ']'";
    const sql = `WITH chosen (row) AS MATERIALIZED (${select}) SELECT CAST(${list} AS BLOB) FROM chosen`;
    const bytes = this.value(sql, values);
    if (!(bytes instanceof Uint8Array)) throw new Error("the index did not answer with rows");
    return ROWS.parse(JSON.parse(Buffer.from(bytes).toString("utf8"))).map(parse);
  }

  /** All of it or nothing. */
  transaction<T>(work: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    if (!this.#database.isOpen) return;
    for (const sql of [...this.#statements.keys()]) this.#drop(sql);
    this.#database.close();
  }

  #use<T>(sql: string, use: (statement: Statement) => T): T {
    const statement = this.#prepared(sql);
    try {
      return use(statement);
    } catch (error) {
      // It would fail once more, for the same reason, when it is used the next time.
      this.#drop(sql);
      throw error;
    }
  }

  #drop(sql: string): void {
    const statement = this.#statements.get(sql);
    this.#statements.delete(sql);
    try {
      statement?.finalize();
    } catch {
      // It is gone, and says again how it failed last.
    }
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#statements.size >= STATEMENTS_MAX) throw new Error("too many different statements");
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}
