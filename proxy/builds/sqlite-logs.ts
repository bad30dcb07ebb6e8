/** Logs of builds in SQLite: pieces in order, some hundreds to a row. */
import { z } from "zod";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import type { LogPage, LogPiece, LogQuery } from "./history.js";
import { jsonLines, pack, unpack } from "./packed-lines.js";
import { PIECES, tupleOfPiece } from "./parse-record.js";

/** Of all builds together, as they are stored: beyond that, the logs of the oldest go. */
export const LOGS_MAX_BYTES: number = 2 ** 30;
/** Of text in one row. */
const ROW_TEXT_MAX_BYTES = 128 << 10;
/** Of text in one page, besides its first piece. */
export const LOG_PAGE_MAX_BYTES: number = 1 << 20;
const ROWS_PER_READ = 16;
const ROWS_REMOVED_PER_TURN = 32;

const PLACE = z.tuple([z.number(), z.number()]).transform(([first, pieces]) => ({ first, pieces }));
const ID = z.number();
const BYTES = z.array(z.instanceof(Uint8Array));

interface LogRow {
  /** Position of its first piece. */
  readonly first: number;
  readonly pieces: number;
  readonly bytes: Uint8Array;
}

interface PackedPieces {
  readonly pieces: readonly LogPiece[];
  readonly bytes: Uint8Array;
}

export class SqliteLogs {
  readonly #database: SqliteDatabase;
  readonly #maxBytes: number;

  constructor(database: SqliteDatabase, maxBytes: number = LOGS_MAX_BYTES) {
    this.#database = database;
    this.#maxBytes = maxBytes;
  }

  /** To be called for one build after the other call has ended. Pieces of a build that is not there are dropped. */
  async append(ref: string, pieces: readonly LogPiece[]): Promise<void> {
    for (const part of rowsOf(pieces)) {
      const bytes = await pack(await jsonLines([part.map(tupleOfPiece)]));
      this.#write(ref, { pieces: part, bytes });
    }
  }

  async page(buildId: number, { step, after, limit }: LogQuery): Promise<LogPage> {
    const chosen: LogPiece[] = [];
    let position = after;
    let textBytes = 0;
    for (;;) {
      const rows = this.#rows(buildId, position, step);
      if (rows.length === 0) return { pieces: chosen, next: Math.max(after, this.#end(buildId)), hasMore: false };
      for (const { first, pieces: count, bytes } of rows) {
        for (const [index, piece] of (await piecesOf(bytes)).entries()) {
          if (first + index < position || (step !== undefined && piece.step !== step)) continue;
          textBytes += Buffer.byteLength(piece.text);
          const isFull = chosen.length >= limit || (textBytes > LOG_PAGE_MAX_BYTES && chosen.length > 0);
          if (isFull) return { pieces: chosen, next: first + index, hasMore: true };
          chosen.push(piece);
        }
        position = first + count;
      }
    }
  }

  async remove(buildId: number): Promise<void> {
    const sql = `DELETE FROM logs WHERE build_id = ?1 AND first IN
      (SELECT first FROM logs WHERE build_id = ?1 ORDER BY first LIMIT ${ROWS_REMOVED_PER_TURN})`;
    while (this.#database.run(sql, [buildId]) > 0) await nextTurn();
    this.#database.run("UPDATE builds SET log_bytes = 0 WHERE id = ?", [buildId]);
  }

  /** Removes the logs of the oldest builds that have ended, down to the limit. */
  async retain(): Promise<void> {
    const select = `SELECT id AS row FROM builds WHERE log_bytes > 0 AND outcome <> 'running'
      ORDER BY started_at, id LIMIT 1`;
    while (Number(this.#database.value("SELECT sum(log_bytes) FROM builds")) > this.#maxBytes) {
      const [oldest] = this.#database.rows(select, [], (row) => ID.parse(row));
      if (oldest === undefined) return;
      await this.remove(oldest);
    }
  }

  #write(ref: string, { pieces, bytes }: PackedPieces): void {
    const steps = [...new Set(pieces.map(({ step }) => step))].join("\n");
    this.#database.transaction(() => {
      const id = this.#database.value("SELECT id FROM builds WHERE ref = ?", [ref]);
      if (typeof id !== "number") return;
      const insert = "INSERT INTO logs (build_id, first, pieces, steps, bytes) VALUES (?, ?, ?, ?, ?)";
      this.#database.run(insert, [id, this.#end(id), pieces.length, steps, bytes]);
      this.#database.run("UPDATE builds SET log_bytes = log_bytes + ? WHERE id = ?", [bytes.length, id]);
    });
  }

  /** Position behind the last piece. */
  #end(buildId: number): number {
    const sql = "SELECT first + pieces FROM logs WHERE build_id = ? ORDER BY first DESC LIMIT 1";
    return Number(this.#database.value(sql, [buildId]) ?? 0);
  }

  /** A few rows from that position on. */
  #rows(buildId: number, position: number, step: string | undefined): readonly LogRow[] {
    const chosen = `FROM logs WHERE build_id = ?1 AND first + pieces > ?2 AND (?3 IS NULL OR instr(steps, ?3) > 0)
      AND first >= (SELECT coalesce(max(first), 0) FROM logs WHERE build_id = ?1 AND first <= ?2)
      ORDER BY first LIMIT ${ROWS_PER_READ}`;
    const values = [buildId, position, step ?? null];
    const places = this.#database.rows(`SELECT json_array(first, pieces) AS row ${chosen}`, values, (row) =>
      PLACE.parse(row),
    );
    const blobs = BYTES.parse(this.#database.column(`SELECT bytes ${chosen}`, values));
    return blobs.flatMap((bytes, index) => {
      const place = places[index];
      return place === undefined ? [] : [{ ...place, bytes }];
    });
  }
}

/** Parts of a bounded size, in order. */
function* rowsOf(pieces: readonly LogPiece[]): Generator<readonly LogPiece[]> {
  let part: LogPiece[] = [];
  let textBytes = 0;
  for (const piece of pieces) {
    part.push(piece);
    textBytes += Buffer.byteLength(piece.text);
    if (textBytes < ROW_TEXT_MAX_BYTES) continue;
    yield part;
    part = [];
    textBytes = 0;
  }
  if (part.length > 0) yield part;
}

/** None where the row is damaged: the rest of the log is still worth reading. */
async function piecesOf(bytes: Uint8Array): Promise<readonly LogPiece[]> {
  try {
    const pieces: LogPiece[] = [];
    for await (const line of unpack(bytes)) pieces.push(...PIECES.parse(line));
    return pieces;
  } catch {
    return [];
  }
}
