/** Everything that is wrong with a configuration, found in one go. */

export interface ConfigProblem {
  /** The option as the user gave it: `--http`, `MEMOBUILD_HTTP` or `memobuild.yaml:3: http`. */
  readonly option: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ option, message }) => `${option}: ${message}`).join("\n"));
    this.problems = problems;
  }
}
