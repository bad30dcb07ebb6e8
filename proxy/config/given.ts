/** What the user gave for each option: texts with the place each came from, before anything is parsed. */
import type { ConfigProblem } from "./config-error.js";
import type { OptionName } from "./options.js";
import type { SettingSource } from "./settings.js";

export interface GivenText {
  readonly text: string;
  readonly source: SettingSource;
  /** How a message names this text: a flag, a variable, or a key with its file and line. */
  readonly origin: string;
}

/** The texts of each option, defaults included. */
export type Values = ReadonlyMap<OptionName, readonly GivenText[]>;

/** What one source (flags, environment, file) says. */
export interface Given {
  readonly texts: ReadonlyMap<OptionName, readonly GivenText[]>;
  readonly problems: readonly ConfigProblem[];
}
