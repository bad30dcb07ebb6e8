/** The tables of the builds: the second version of the schema, beside the index of the cache. */

/**
 * `builds` holds what is filtered, ordered and summed, and nothing that is long: lists and figures read many of its
 * rows. All that belongs to a build goes with it by a trigger, so that no statement can forget it. Times are
 * milliseconds since 1970.
 */
export const BUILDS_TABLES = `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;

  CREATE TABLE builders (
    id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, first_seen_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE builds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    ref TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL, project TEXT NOT NULL, dockerfile TEXT NOT NULL, target TEXT NOT NULL, platform TEXT NOT NULL,
    builder TEXT NOT NULL, build_group TEXT NOT NULL, outcome TEXT NOT NULL,
    started_at INTEGER NOT NULL, ended_at INTEGER, seen_at INTEGER NOT NULL,
    cacheable INTEGER NOT NULL, cached INTEGER NOT NULL, cached_builder INTEGER NOT NULL, cached_shared INTEGER NOT NULL,
    ran INTEGER NOT NULL, saved_ms INTEGER NOT NULL, slowest_step_ms INTEGER NOT NULL,
    context_bytes INTEGER NOT NULL, fetched_bytes INTEGER NOT NULL,
    export_result TEXT NOT NULL, export_bytes INTEGER NOT NULL, export_ms INTEGER NOT NULL,
    export_removed_at INTEGER, export_removed_by TEXT,
    record_bytes INTEGER NOT NULL, log_bytes INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX builds_by_start ON builds (started_at, id);
  CREATE INDEX builds_by_project ON builds (tenant, project, started_at, id);
  CREATE INDEX builds_alike ON builds (tenant, project, dockerfile, target, platform, started_at, id);

  CREATE TABLE summaries (build_id INTEGER PRIMARY KEY, summary TEXT NOT NULL, slow_steps TEXT NOT NULL) STRICT;
  CREATE TABLE records (build_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

  CREATE TABLE causes (
    build_id INTEGER NOT NULL, kind TEXT NOT NULL,
    count INTEGER NOT NULL, steps INTEGER NOT NULL, duration_ms INTEGER NOT NULL,
    PRIMARY KEY (build_id, kind)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE logs (
    build_id INTEGER NOT NULL, first INTEGER NOT NULL,
    pieces INTEGER NOT NULL, steps TEXT NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (build_id, first)
  ) STRICT;

  CREATE TABLE completions (
    step_key BLOB NOT NULL, builder_id INTEGER NOT NULL,
    build_id INTEGER NOT NULL, at INTEGER NOT NULL,
    run_build_id INTEGER, run_at INTEGER, run_ms INTEGER,
    PRIMARY KEY (step_key, builder_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX completions_by_build ON completions (build_id);

  CREATE TABLE file_lists (
    id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE,
    kept_at INTEGER NOT NULL, builds INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL, bytes BLOB NOT NULL
  ) STRICT;
  CREATE INDEX file_lists_by_age ON file_lists (kept_at, size);
  CREATE INDEX file_lists_unreferenced ON file_lists (kept_at) WHERE builds = 0;

  CREATE TABLE transfers (
    build_id INTEGER NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, file_list_id INTEGER, transfer TEXT NOT NULL,
    PRIMARY KEY (build_id, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER transfer_added AFTER INSERT ON transfers BEGIN
    UPDATE file_lists SET builds = builds + 1 WHERE id = new.file_list_id;
  END;
  CREATE TRIGGER transfer_removed AFTER DELETE ON transfers BEGIN
    UPDATE file_lists SET builds = builds - 1 WHERE id = old.file_list_id;
  END;
  CREATE TRIGGER build_removed AFTER DELETE ON builds BEGIN
    DELETE FROM summaries WHERE build_id = old.id;
    DELETE FROM records WHERE build_id = old.id;
    DELETE FROM causes WHERE build_id = old.id;
    DELETE FROM logs WHERE build_id = old.id;
    DELETE FROM completions WHERE build_id = old.id;
    DELETE FROM transfers WHERE build_id = old.id;
  END;
`;
