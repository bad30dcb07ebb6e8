/** What the cache holds of each project, and what it let go, in the tables of the index. */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SqliteDatabase } from "../database/sqlite-database.js";
import { type CacheProject, type Removal, REMOVALS_MAX } from "./cache-index.js";
import * as rows from "./sqlite-rows.js";

/** Blobs, and references to them, that one turn of the event loop may read: some milliseconds of work. */
const BLOBS_PER_TURN = 500;
const REFERENCES_PER_TURN = 2000;

const NOTE = `INSERT INTO removals (project, dockerfile, target, platform, ref, removed_at, rule, created_at,
    last_used_at, size)
  SELECT project, dockerfile, target, platform, ref, ?1, ?2, created_at, last_used_at, size
  FROM exports WHERE id IN (SELECT value FROM json_each(?3)) ORDER BY last_used_at, id`;
const FORGET = `DELETE FROM removals WHERE id <= (SELECT max(id) FROM removals) - ${REMOVALS_MAX}`;
const REMOVALS = `SELECT ${rows.REMOVAL_COLUMNS} AS row FROM removals ORDER BY id DESC LIMIT ?`;

const PROJECTS = `SELECT ${rows.PROJECT_COLUMNS} AS row FROM exports GROUP BY project`;

/** The next few blobs that are referred to, by project, each once. A blob is in one slice only, so that slices add up. */
const SIZES = `WITH next AS MATERIALIZED (SELECT id, size, exports FROM blobs WHERE id > ?1 AND exports > 0
      ORDER BY id LIMIT ${BLOBS_PER_TURN}),
    counted AS (SELECT id, size, exports, sum(exports) OVER (ORDER BY id) AS so_far FROM next),
    slice AS MATERIALIZED (SELECT id, size FROM counted WHERE so_far - exports < ${REFERENCES_PER_TURN}),
    owned AS (SELECT DISTINCT project, slice.id AS id, slice.size AS size FROM slice
      CROSS JOIN export_blobs ON blob_id = slice.id CROSS JOIN exports ON exports.id = export_id)
  SELECT json_array(project, sum(size), max(id)) AS row FROM owned GROUP BY project`;

export class SqliteCacheFigures {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  /** Exports that are still there are about to be removed. */
  noteRemovals(ids: readonly number[], { atMs, rule }: Pick<Removal, "atMs" | "rule">): void {
    this.#database.run(NOTE, [Math.round(atMs), rule, JSON.stringify(ids)]);
    this.#database.run(FORGET);
  }

  removals(limit: number): readonly Removal[] {
    return this.#database.rows(REMOVALS, [limit], rows.removalOf);
  }

  async projects(): Promise<readonly CacheProject[]> {
    const sizes = await this.#sizes();
    return this.#database
      .rows(PROJECTS, [], rows.projectOf)
      .map((each) => ({ ...each, sizeBytes: sizes.get(each.project) ?? 0 }))
      .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.project < b.project ? -1 : 1));
  }

  async #sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>();
    for (let after = 0; ;) {
      const slice = this.#database.rows(SIZES, [after], rows.projectSizeOf);
      if (slice.length === 0) return sizes;
      for (const { project, sizeBytes, lastBlob } of slice) {
        sizes.set(project, (sizes.get(project) ?? 0) + sizeBytes);
        after = Math.max(after, lastBlob);
      }
      await nextTurn();
    }
  }
}
