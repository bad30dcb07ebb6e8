/** The tables of the farm: the third version of the schema. */

/** Addresses as `memobuild builders add` got them; a name is what people call a builder. */
export const FARM_TABLES = `
  CREATE TABLE added_builders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, address TEXT NOT NULL
  ) STRICT;
  CREATE TABLE draining_builders (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`;
