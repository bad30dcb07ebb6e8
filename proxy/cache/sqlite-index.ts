/** The index of the cache in one SQLite file. */
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { openDatabase, type DatabaseOptions } from "../database/open-database.js";
import { settle } from "../database/settle.js";
import type { SqliteDatabase, Value } from "../database/sqlite-database.js";
import type { BlobStat } from "./blob-store.js";
import type { CacheGraph } from "./cache-graph.js";
import { UnknownBlobError } from "./cache-index.js";
import type * as index from "./cache-index.js";
import type { Digest } from "./digest.js";
import { graphFromBytes, graphToBytes } from "./graph-bytes.js";
import { SqliteCacheFigures } from "./sqlite-cache-figures.js";
import * as rows from "./sqlite-rows.js";
import { withoutBlob } from "./without-blob.js";

/** Layers and records of graphs that are kept read; each takes about half a kilobyte. */
const READ_GRAPHS_MAX_ITEMS = 60_000;
/** Blobs that are kept read: an import asks for all that its candidates need. */
const READ_BLOBS_MAX = 20_000;
/** How many exports one turn of the event loop may rewrite. */
const REWRITTEN_PER_TURN = 4;

const ORDERS = {
  "newest-use": "last_used_at DESC, id DESC",
  "oldest-use": "last_used_at, id",
  "newest-export": "created_at DESC, id DESC",
} as const;

/** An index in a database of its own. @throws StartError */
export const openSqliteIndex = (options: DatabaseOptions): SqliteIndex => new SqliteIndex(openDatabase(options));

export class SqliteIndex implements index.CacheIndex {
  readonly #database: SqliteDatabase;
  readonly #figures: SqliteCacheFigures;
  readonly #graphs = new LRUCache<number, CacheGraph>({
    maxSize: READ_GRAPHS_MAX_ITEMS,
    sizeCalculation: ({ layers, records }) => 1 + layers.length + records.length,
  });

  readonly #blobs = new LRUCache<Digest, index.IndexedBlob>({ max: READ_BLOBS_MAX });

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#figures = new SqliteCacheFigures(database);
  }

  async publish(newExport: index.NewExport): Promise<index.ExportSummary> {
    const bytes = graphToBytes(newExport.graph);
    const id = await settle(() => this.#database.transaction(() => this.#write(newExport, bytes)));
    // As it is read again, not as it was handed in: the reader's strings lie together.
    this.#graphs.set(id, graphFromBytes(bytes));
    const summary = await this.export(id);
    if (summary === undefined) throw new Error("an export was removed while it was published");
    return summary;
  }

  exports(query: index.ExportQuery): Promise<readonly index.ExportSummary[]> {
    return settle(() => this.#exports(query));
  }

  export(id: number): Promise<index.ExportSummary | undefined> {
    const select = `SELECT ${rows.EXPORT_COLUMNS} AS row FROM exports WHERE id = ?`;
    return settle(() => this.#database.rows(select, [id], rows.exportOf)[0]);
  }

  references(ids: readonly number[]): Promise<ReadonlyMap<number, readonly index.BlobReference[]>> {
    return settle(() => {
      const select = `SELECT ${rows.REFERENCE_COLUMNS} AS row FROM json_each(?) AS asked
        CROSS JOIN export_blobs ON export_id = asked.value CROSS JOIN blobs ON blobs.id = blob_id`;
      const byExport = new Map<number, index.BlobReference[]>();
      for (const id of this.#known(ids)) byExport.set(id, []);
      for (const { exportId, reference } of this.#database.rows(select, [JSON.stringify(ids)], rows.referenceOf)) {
        byExport.get(exportId)?.push(reference);
      }
      return byExport;
    });
  }

  graphs(ids: readonly number[]): Promise<ReadonlyMap<number, CacheGraph>> {
    return settle(() => {
      const found = ids.map((id) => [id, this.#graph(id)] as const);
      return new Map(found.flatMap(([id, graph]) => (graph === undefined ? [] : [[id, graph]])));
    });
  }

  touch(ids: readonly number[], atMs: number): Promise<void> {
    const sql = `UPDATE exports SET last_used_at = max(last_used_at, ?1), hits = hits + 1
      WHERE id IN (SELECT value FROM json_each(?2))`;
    return settle(() => {
      this.#database.run(sql, [atMs, JSON.stringify(ids)]);
    });
  }

  setPinned(id: number, isPinned: boolean): Promise<boolean> {
    return settle(() => this.#database.run("UPDATE exports SET pinned = ? WHERE id = ?", [isPinned, id]) > 0);
  }

  removeExports(ids: readonly number[], why: Pick<index.Removal, "atMs" | "rule">): Promise<number> {
    return settle(() => {
      for (const id of ids) this.#graphs.delete(id);
      const sql = "DELETE FROM exports WHERE id IN (SELECT value FROM json_each(?))";
      return this.#database.transaction(() => {
        this.#figures.noteRemovals(ids, why);
        return this.#database.run(sql, [JSON.stringify(ids)]);
      });
    });
  }

  removals(limit: number): Promise<readonly index.Removal[]> {
    return settle(() => this.#figures.removals(limit));
  }

  projects(): Promise<readonly index.CacheProject[]> {
    return this.#figures.projects();
  }

  addBlob(digest: Digest, { sizeBytes, version }: BlobStat, storedAtMs: number): Promise<void> {
    const sql = `INSERT INTO blobs (digest, size, version, stored_at) VALUES (unhex(?), ?, ?, ?)
      ON CONFLICT (digest) DO UPDATE SET size = excluded.size, version = excluded.version, stored_at = excluded.stored_at`;
    return settle(() => {
      this.#blobs.delete(digest);
      this.#database.run(sql, [rows.hexOf(digest), sizeBytes, version, storedAtMs]);
    });
  }

  async blob(digest: Digest): Promise<index.IndexedBlob | undefined> {
    return (await this.blobs([digest])).get(digest);
  }

  blobs(digests: readonly Digest[]): Promise<ReadonlyMap<Digest, index.IndexedBlob>> {
    return settle(() => this.#knownBlobs(digests));
  }

  blobsAfter(after: Digest | undefined, limit: number): Promise<readonly index.IndexedBlob[]> {
    const select = `SELECT ${rows.BLOB_COLUMNS} AS row FROM blobs WHERE digest > unhex(?) ORDER BY digest LIMIT ?`;
    const hex = after === undefined ? "" : rows.hexOf(after);
    return settle(() => this.#database.rows(select, [hex, limit], rows.blobOf));
  }

  unreferencedBlobs(storedBeforeMs: number, limit: number, offset = 0): Promise<readonly index.IndexedBlob[]> {
    const select = `SELECT ${rows.BLOB_COLUMNS} AS row FROM blobs WHERE exports = 0 AND stored_at < ?
      ORDER BY stored_at, id LIMIT ? OFFSET ?`;
    return settle(() => this.#database.rows(select, [storedBeforeMs, limit, offset], rows.blobOf));
  }

  removeUnreferencedBlobs(digests: readonly Digest[]): Promise<readonly Digest[]> {
    const sql = `DELETE FROM blobs WHERE exports = 0 AND digest IN (SELECT unhex(value) FROM json_each(?))
      RETURNING digest`;
    return settle(() => {
      const removed = this.#database.column(sql, [rows.hexesOf(digests)]).map(rows.digestOfBytes);
      for (const digest of removed) this.#blobs.delete(digest);
      return removed;
    });
  }

  async dropBlob(digest: Digest): Promise<readonly index.CacheScope[]> {
    const lost = new Map<string, index.CacheScope>();
    const known = await this.blob(digest);
    if (known === undefined) return [];
    for (;;) {
      const scopes = this.#database.transaction(() => this.#dropFromSome(known));
      if (scopes.length === 0) return [...lost.values()];
      for (const scope of scopes) lost.set(JSON.stringify(scope), scope);
      await nextTurn();
    }
  }

  totals(): Promise<index.IndexTotals> {
    const select = "SELECT json_array(exports, pinned, records, blobs, bytes, unreferenced_bytes) AS row FROM totals";
    return settle(() => {
      const [totals = []] = this.#database.rows(select, [], rows.numbersOf);
      const [exports = 0, pinnedExports = 0, records = 0, blobs = 0, blobBytes = 0, unreferencedBytes = 0] = totals;
      return { exports, pinnedExports, records, blobs, blobBytes, unreferencedBytes };
    });
  }

  close(): Promise<void> {
    this.#graphs.clear();
    this.#blobs.clear();
    return settle(() => {
      this.#database.close();
    });
  }

  #exports({ scope, like, usedBeforeMs, order = "newest-use", isPinned, limit, offset = 0 }: index.ExportQuery) {
    const conditions: string[] = [];
    const values: Value[] = [];
    if (scope !== undefined) {
      conditions.push("tenant = ?", "project = ?");
      values.push(scope.tenant, scope.project);
    }
    if (like !== undefined) {
      conditions.push("dockerfile = ?", "target = ?", "platform = ?");
      values.push(like.dockerfile, like.target, like.platform);
    }
    if (usedBeforeMs !== undefined) {
      conditions.push("last_used_at < ?");
      values.push(usedBeforeMs);
    }
    // Literal, so that SQLite sees that the index of unpinned exports serves.
    if (isPinned !== undefined) conditions.push(isPinned ? "pinned = 1" : "pinned = 0");
    const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const select = `SELECT ${rows.EXPORT_COLUMNS} AS row FROM exports ${where}
      ORDER BY ${ORDERS[order]} LIMIT ? OFFSET ?`;
    return this.#database.rows(select, [...values, limit, offset], rows.exportOf);
  }

  #known(ids: readonly number[]): readonly number[] {
    const select = "SELECT id AS row FROM exports WHERE id IN (SELECT value FROM json_each(?))";
    return this.#database.rows(select, [JSON.stringify(ids)], rows.idOf);
  }

  #knownBlobs(digests: readonly Digest[]): Map<Digest, index.IndexedBlob> {
    const found = new Map<Digest, index.IndexedBlob>();
    const unread = new Set<Digest>();
    for (const digest of digests) {
      const blob = this.#blobs.get(digest);
      if (blob === undefined) unread.add(digest);
      else found.set(digest, blob);
    }
    if (unread.size === 0) return found;
    const select = `SELECT ${rows.BLOB_COLUMNS} AS row FROM json_each(?) AS asked
      CROSS JOIN blobs ON digest = unhex(asked.value)`;
    for (const blob of this.#database.rows(select, [rows.hexesOf(unread)], rows.blobOf)) {
      this.#blobs.set(blob.digest, blob);
      found.set(blob.digest, blob);
    }
    return found;
  }

  #graph(id: number): CacheGraph | undefined {
    const read = this.#graphs.get(id);
    if (read !== undefined) return read;
    const bytes = this.#database.value("SELECT bytes FROM graphs WHERE export_id = ?", [id]);
    if (!(bytes instanceof Uint8Array)) return undefined;
    const graph = graphFromBytes(bytes);
    this.#graphs.set(id, graph);
    return graph;
  }

  #write(newExport: index.NewExport, bytes: Uint8Array): number {
    this.#checkBlobs(newExport.graph);
    const content = contentOf(bytes);
    const { tenant, project, dockerfile, target, platform, revision, builder, ref, createdAtMs } = newExport;
    const identity = [tenant, project, dockerfile, target, platform];
    const now = [revision, builder, ref, createdAtMs, createdAtMs];
    const earlier = this.#database.value(
      `SELECT id FROM exports WHERE content = ?
        AND tenant = ? AND project = ? AND dockerfile = ? AND target = ? AND platform = ?`,
      [content, ...identity],
    );
    if (typeof earlier === "number") {
      const sql =
        "UPDATE exports SET revision = ?, builder = ?, ref = ?, created_at = ?, last_used_at = ? WHERE id = ?";
      this.#database.run(sql, [...now, earlier]);
      return earlier;
    }
    const id = this.#database.insert(
      `INSERT INTO exports (tenant, project, dockerfile, target, platform, revision, builder, ref, created_at,
        last_used_at, size, records, results, blobs, content) VALUES (${"?, ".repeat(10)} 0, 0, 0, 0, x'')`,
      [...identity, ...now],
    );
    this.#writeGraph(id, newExport.graph, bytes);
    return id;
  }

  #checkBlobs({ layers }: CacheGraph): void {
    const known = this.#knownBlobs(layers.map(({ blob }) => blob.digest));
    const unknown = layers.find(({ blob }) => known.get(blob.digest)?.sizeBytes !== blob.sizeBytes);
    if (unknown === undefined) return;
    throw new UnknownBlobError(`no blob ${unknown.blob.digest} of ${unknown.blob.sizeBytes} bytes in the cache index`);
  }

  /** The graph of an export that is there, and all that follows from it. */
  #writeGraph(id: number, { layers, records }: CacheGraph, bytes: Uint8Array): void {
    const sizes = new Map(layers.map(({ blob }) => [blob.digest, blob.sizeBytes]));
    const sizeBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    const results = records.filter((record) => record.results.length > 0).length;
    const chosen = "SELECT blobs.id FROM json_each(?) AS asked CROSS JOIN blobs ON digest = unhex(asked.value)";
    const hexes = rows.hexesOf(sizes.keys());
    this.#graphs.delete(id);
    this.#database.run("INSERT OR REPLACE INTO graphs VALUES (?, ?)", [id, bytes]);
    this.#database.run(`DELETE FROM export_blobs WHERE export_id = ? AND blob_id NOT IN (${chosen})`, [id, hexes]);
    this.#database.run(`INSERT OR IGNORE INTO export_blobs SELECT ?, id FROM (${chosen})`, [id, hexes]);
    this.#database.run("UPDATE exports SET size = ?, records = ?, results = ?, blobs = ?, content = ? WHERE id = ?", [
      sizeBytes,
      records.length,
      results,
      sizes.size,
      contentOf(bytes),
      id,
    ]);
  }

  /** Takes a blob out of a few of the exports that need it; out of none when it was forgotten for good. */
  #dropFromSome({ digest, version }: index.IndexedBlob): readonly index.CacheScope[] {
    const select = `SELECT json_array(exports.id, tenant, project) AS row FROM blobs
      CROSS JOIN export_blobs ON blob_id = blobs.id CROSS JOIN exports ON exports.id = export_id
      WHERE digest = unhex(?) LIMIT ?`;
    const hex = rows.hexOf(digest);
    const affected = this.#database.rows(select, [hex, REWRITTEN_PER_TURN], rows.scopedIdOf);
    for (const { id } of affected) {
      const rest = withoutBlob(this.#graph(id) ?? { layers: [], records: [] }, digest);
      this.#graphs.delete(id);
      if (rest.layers.length > 0) this.#writeGraph(id, rest, graphToBytes(rest));
      else this.#database.run("DELETE FROM exports WHERE id = ?", [id]);
    }
    // A blob that was stored again meanwhile has a new version.
    const sql = "DELETE FROM blobs WHERE digest = unhex(?) AND version = ? AND exports = 0";
    if (affected.length > 0) return affected.map(({ scope }) => scope);
    this.#blobs.delete(digest);
    this.#database.run(sql, [hex, version]);
    return [];
  }
}

const contentOf = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
