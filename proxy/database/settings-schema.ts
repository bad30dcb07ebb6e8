/** The table of settings that were changed at run time: the fourth version of the schema. */

/** Names of options and values as one would write them. */
export const SETTINGS_TABLES = `
  CREATE TABLE changed_settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;
