/** What the user gave for each option: texts with the place each came from, before anything is parsed. */
import type { ConfigProblem } from "./config-error.js";
import type { OptionName } from "./options.js";

export interface GivenText {
  readonly text: string;
  /** How a message names this text: a flag, a variable, or a key with its file and line. */
  readonly source: string;
}

/** What one source (flags, environment, file) says. */
export interface Given {
  readonly texts: ReadonlyMap<OptionName, readonly GivenText[]>;
  readonly problems: readonly ConfigProblem[];
}
