/** A SQLite database of our own: its statements are kept, its rows read as JSON. */
import type { Database, JSValue, Statement } from "node-sqlite3-wasm";
import { z } from "zod";

const STATEMENTS_MAX = 200;

const ROWS = z.array(z.unknown());

export type Value = JSValue;

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
    if (!(bytes instanceof Uint8Array)) throw new Error("the database did not answer with rows");
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
