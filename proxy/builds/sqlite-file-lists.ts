/** Lists of files in SQLite, each kept once under the hash of what it says. */
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { z } from "zod";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import type { BuildSummary, FileList, ListedFile, TransferRecord } from "./build-record.js";
import { jsonLines, pack, slices, unpack } from "./packed-lines.js";
import { FILES, readJson, TRANSFER, tupleOfFile } from "./parse-record.js";
import { textOf } from "./sqlite-build-rows.js";

/** Together, as they are stored: beyond that, those go that were not kept again for longest. */
export const FILE_LISTS_MAX_BYTES: number = 2 ** 30;
/** A build refers to its lists a little after they are kept. */
export const UNREFERENCED_KEPT_MS: number = 60 * 60 * 1000;
const FILES_PER_LINE = 500;
const REMOVED_PER_TURN = 8;
/** Among the latest builds of the project. */
const LATEST_TRANSFER_BUILDS_MAX = 100;

const ID = z.number();

export interface FileListLimits {
  readonly now: () => number;
  readonly maxBytes?: number;
}

function* tuples(files: FileList): Generator {
  for (const slice of slices(files, FILES_PER_LINE)) yield slice.map(tupleOfFile);
}

export class SqliteFileLists {
  readonly #database: SqliteDatabase;
  readonly #now: () => number;
  readonly #maxBytes: number;

  constructor(database: SqliteDatabase, { now, maxBytes = FILE_LISTS_MAX_BYTES }: FileListLimits) {
    this.#database = database;
    this.#now = now;
    this.#maxBytes = maxBytes;
  }

  async keep(files: FileList): Promise<string> {
    const lines = await jsonLines(tuples(files));
    const name = createHash("sha256").update(lines).digest("hex");
    const again = "UPDATE file_lists SET kept_at = ? WHERE name = unhex(?)";
    if (this.#database.run(again, [this.#now(), name]) > 0) return name;
    const bytes = await pack(lines);
    const sql = `INSERT INTO file_lists (name, kept_at, size, bytes) VALUES (unhex(?), ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET kept_at = excluded.kept_at`;
    this.#database.run(sql, [name, this.#now(), bytes.length, bytes]);
    return name;
  }

  /** Undefined where it is not there, or damaged. */
  async read(name: string): Promise<FileList | undefined> {
    const bytes = this.#database.value("SELECT bytes FROM file_lists WHERE name = unhex(?)", [name]);
    if (!(bytes instanceof Uint8Array)) return undefined;
    try {
      const files: ListedFile[] = [];
      for await (const line of unpack(bytes)) files.push(...FILES.parse(line));
      return files;
    } catch {
      return undefined;
    }
  }

  /** The build needs the lists of these transfers, and no others any more. */
  refer(buildId: number, transfers: readonly TransferRecord[]): void {
    this.#database.run("DELETE FROM transfers WHERE build_id = ?", [buildId]);
    const sql = `INSERT INTO transfers (build_id, position, name, file_list_id, transfer)
      VALUES (?, ?, ?, (SELECT id FROM file_lists WHERE name = unhex(?)), ?)`;
    for (const [position, transfer] of transfers.entries()) {
      this.#database.run(sql, [buildId, position, transfer.name, transfer.fileList, JSON.stringify(transfer)]);
    }
  }

  latestTransfer(
    { builder, project, tenant }: Pick<BuildSummary, "tenant" | "project" | "builder">,
    name: string,
  ): TransferRecord | undefined {
    const latest = `SELECT id, started_at FROM builds WHERE tenant = ?1 AND project = ?2 AND builder = ?4
      ORDER BY started_at DESC, id DESC LIMIT ${LATEST_TRANSFER_BUILDS_MAX}`;
    const select = `SELECT json_quote(transfer) AS row FROM (${latest}) AS latest
      CROSS JOIN transfers ON build_id = latest.id AND transfers.name = ?3
      CROSS JOIN file_lists ON file_lists.id = file_list_id
      ORDER BY started_at DESC, latest.id DESC, position LIMIT 1`;
    const [json] = this.#database.rows(select, [tenant, project, name, builder], textOf);
    return json === undefined ? undefined : readJson(json, TRANSFER);
  }

  /** Removes what no build refers to, and the oldest down to the limit. */
  async retain(): Promise<void> {
    const unreferenced = `DELETE FROM file_lists WHERE id IN
      (SELECT id FROM file_lists WHERE builds = 0 AND kept_at < ? LIMIT ${REMOVED_PER_TURN})`;
    const before = this.#now() - UNREFERENCED_KEPT_MS;
    while (this.#database.run(unreferenced, [before]) > 0) await nextTurn();
    const beyond = `SELECT id AS row FROM
      (SELECT id, sum(size) OVER (ORDER BY kept_at DESC, id DESC) AS total FROM file_lists) WHERE total > ?`;
    const ids = this.#database.rows(beyond, [this.#maxBytes], (row) => ID.parse(row));
    const sql = "DELETE FROM file_lists WHERE id IN (SELECT value FROM json_each(?))";
    for (const slice of slices(ids, REMOVED_PER_TURN)) {
      this.#database.run(sql, [JSON.stringify(slice)]);
      await nextTurn();
    }
  }
}
