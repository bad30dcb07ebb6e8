/** What people are shown of the cache beyond its exports: the fifth version of the schema. */

/** `removals` is a ring: the oldest rows go. Times are milliseconds since 1970. */
export const CACHE_FIGURES = `
  ALTER TABLE exports ADD COLUMN hits INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE removals (
    id INTEGER PRIMARY KEY,
    project TEXT NOT NULL, dockerfile TEXT NOT NULL, target TEXT NOT NULL, platform TEXT NOT NULL, ref TEXT NOT NULL,
    removed_at INTEGER NOT NULL, rule TEXT NOT NULL,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL, size INTEGER NOT NULL
  ) STRICT;
`;
