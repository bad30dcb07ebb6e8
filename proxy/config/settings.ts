/** The seam for people who see what is configured, and change some of it while MemoBuild runs. */

/** Where a value is from; `runtime`: somebody changed it while MemoBuild ran, which goes before the others. */
export const SETTING_SOURCES = ["flag", "environment", "file", "default", "runtime"] as const;
export type SettingSource = (typeof SETTING_SOURCES)[number];

export interface SettingReport {
  /** Of the option, without dashes. */
  readonly name: string;
  readonly flag: string;
  readonly env: string;
  readonly help: string;
  /** What a value is, such as "size" or "duration"; "" of a switch. */
  readonly value: string;
  readonly isRepeatable: boolean;
  /** All values that there are; empty where there are too many. */
  readonly choices: readonly string[];
  /** As one would write them; empty where there is none. */
  readonly texts: readonly string[];
  readonly source: SettingSource;
  /** What was given where: `--http`, `MEMOBUILD_HTTP` or `memobuild.yaml:3: http`; "" of defaults and run time. */
  readonly origin: string;
  /** What flag, environment, file or default say: what is back when a change is undone. */
  readonly configured: readonly string[];
  readonly isChangeable: boolean;
}

export interface Settings {
  report(): readonly SettingReport[];
  /**
   * All of them or none; null: as configured again. They hold from now on, and after restarts.
   *
   * @throws ConfigError with every problem
   */
  change(changes: Readonly<Record<string, string | null>>): Promise<void>;
}
