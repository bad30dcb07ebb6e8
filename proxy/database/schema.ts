/** The tables of the database, and the steps that lead from any earlier version of them to the present one. */
import type { Database } from "node-sqlite3-wasm";
import { BUILDS_TABLES } from "./builds-schema.js";
import { CACHE_FIGURES } from "./cache-figures-schema.js";
import { FARM_TABLES } from "./farm-schema.js";
import { SETTINGS_TABLES } from "./settings-schema.js";

/**
 * Digests of blobs are kept as 32 bytes. What is counted (`references`, `totals`) is counted by triggers, so that no
 * statement can forget it.
 */
const CACHE_TABLES = `
  CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, project TEXT NOT NULL, dockerfile TEXT NOT NULL, target TEXT NOT NULL, platform TEXT NOT NULL,
    revision TEXT NOT NULL, builder TEXT NOT NULL, ref TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL, pinned INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL, records INTEGER NOT NULL, results INTEGER NOT NULL, blobs INTEGER NOT NULL,
    content BLOB NOT NULL
  ) STRICT;
  CREATE INDEX exports_by_use ON exports (last_used_at, id);
  CREATE INDEX exports_by_creation ON exports (created_at, id);
  CREATE INDEX exports_by_scope_and_use ON exports (tenant, project, last_used_at, id);
  CREATE INDEX exports_by_scope_and_creation ON exports (tenant, project, created_at, id);
  CREATE INDEX exports_unpinned_by_use ON exports (last_used_at, id) WHERE pinned = 0;
  CREATE INDEX exports_by_content ON exports (content);

  CREATE TABLE graphs (export_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

  CREATE TABLE blobs (
    id INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL, version TEXT NOT NULL, stored_at INTEGER NOT NULL,
    exports INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX blobs_unreferenced ON blobs (stored_at, id) WHERE exports = 0;

  CREATE TABLE export_blobs (
    export_id INTEGER NOT NULL, blob_id INTEGER NOT NULL,
    PRIMARY KEY (export_id, blob_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX export_blobs_by_blob ON export_blobs (blob_id);

  CREATE TABLE totals (
    exports INTEGER NOT NULL, pinned INTEGER NOT NULL, records INTEGER NOT NULL,
    blobs INTEGER NOT NULL, bytes INTEGER NOT NULL, unreferenced_bytes INTEGER NOT NULL
  ) STRICT;
  INSERT INTO totals VALUES (0, 0, 0, 0, 0, 0);

  CREATE TRIGGER export_added AFTER INSERT ON exports BEGIN
    UPDATE totals SET exports = exports + 1, pinned = pinned + new.pinned, records = records + new.records;
  END;
  CREATE TRIGGER export_changed AFTER UPDATE OF pinned, records ON exports BEGIN
    UPDATE totals SET pinned = pinned + new.pinned - old.pinned, records = records + new.records - old.records;
  END;
  CREATE TRIGGER export_removed AFTER DELETE ON exports BEGIN
    DELETE FROM graphs WHERE export_id = old.id;
    DELETE FROM export_blobs WHERE export_id = old.id;
    UPDATE totals SET exports = exports - 1, pinned = pinned - old.pinned, records = records - old.records;
  END;
  CREATE TRIGGER reference_added AFTER INSERT ON export_blobs BEGIN
    UPDATE blobs SET exports = exports + 1 WHERE id = new.blob_id;
  END;
  CREATE TRIGGER reference_removed AFTER DELETE ON export_blobs BEGIN
    UPDATE blobs SET exports = exports - 1 WHERE id = old.blob_id;
  END;
  CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
    UPDATE totals SET blobs = blobs + 1, bytes = bytes + new.size, unreferenced_bytes = unreferenced_bytes + new.size;
  END;
  CREATE TRIGGER blob_changed AFTER UPDATE OF size, exports ON blobs WHEN
    new.size <> old.size OR (new.exports = 0) <> (old.exports = 0)
  BEGIN
    UPDATE totals SET bytes = bytes + new.size - old.size,
      unreferenced_bytes = unreferenced_bytes
        + iif(new.exports = 0, new.size, 0) - iif(old.exports = 0, old.size, 0);
  END;
  CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
    UPDATE totals SET blobs = blobs - 1, bytes = bytes - old.size,
      unreferenced_bytes = unreferenced_bytes - iif(old.exports = 0, old.size, 0);
  END;
`;

/** The n-th leads from version n to n + 1; those that were released stay as they are. */
export const MIGRATIONS: readonly string[] = [CACHE_TABLES, BUILDS_TABLES, FARM_TABLES, SETTINGS_TABLES, CACHE_FIGURES];

/** The file was written by a later MemoBuild; nothing of it was changed. */
export class NewerSchemaError extends Error {
  override readonly name = "NewerSchemaError";
}

/** @throws NewerSchemaError */
export function migrate(database: Database, migrations: readonly string[] = MIGRATIONS): void {
  const version = Number(database.get("PRAGMA user_version")?.["user_version"]);
  if (version > migrations.length) {
    throw new NewerSchemaError(`has version ${version}, this MemoBuild knows versions up to ${migrations.length}`);
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(migration);
      database.exec(`PRAGMA user_version = ${index + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      if (database.inTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}
