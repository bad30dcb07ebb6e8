/** Settings that may be changed while MemoBuild runs: what was changed and kept goes before what is configured. */
import { checkValues } from "./check-values.js";
import { unknownOption } from "./closest.js";
import type { Config } from "./config.js";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import type { GivenText, Values } from "./given.js";
import { configOf, type Configured } from "./load-config.js";
import { environmentNameOf, flagOf, type OptionName, OPTIONS } from "./options.js";
import type { SettingReport, Settings } from "./settings.js";

/** Changed values, by name of the option, as they were before the last end of MemoBuild. */
export interface KeptSettings {
  all(): ReadonlyMap<string, string>;
  /** All of them or none; null: kept no longer. */
  keep(changes: Readonly<Record<string, string | null>>): void;
}

/** The configuration as it is now, for parts that follow it. */
export interface LiveConfig {
  /** Another object after each change. */
  readonly config: Config;
  /** Calls the listener after each change, with the names of the options. What it throws is logged: the change holds. */
  onChange(listener: (names: readonly string[]) => void): void;
}

type Changed = ReadonlyMap<OptionName, string>;

const SWITCH_CHOICES = ["true", "false"] as const;
const CHANGEABLE: readonly OptionName[] = OPTIONS.filter(({ isChangeable }) => isChangeable === true).map(
  ({ name }) => name,
);

const changeable = (name: string): OptionName | undefined => CHANGEABLE.find((option) => option === name);

/** What is used of the logger, which is made from a configuration and so cannot be known here. */
export interface SettingsLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export class RuntimeSettings implements Settings, LiveConfig {
  readonly #configured: Configured;
  readonly #kept: KeptSettings;
  readonly #log: SettingsLog;
  readonly #listeners: ((names: readonly string[]) => void)[] = [];
  #changed: Changed;
  #values: Values;
  #config: Config;

  /** Logs which kept values do not go with what is configured, and which go before what was given. */
  constructor(configured: Configured, kept: KeptSettings, log: SettingsLog) {
    this.#configured = configured;
    this.#kept = kept;
    this.#log = log;
    this.#changed = this.#takeKept();
    this.#values = this.#valuesWith(this.#changed);
    this.#config = configOf({ ...configured, values: this.#values });
    this.#warnOfGiven();
  }

  get config(): Config {
    return this.#config;
  }

  onChange(listener: (names: readonly string[]) => void): void {
    this.#listeners.push(listener);
  }

  report(): readonly SettingReport[] {
    return OPTIONS.map((option) => {
      const { choices, help, isChangeable, name, repeatable, value } = option;
      const given = this.#values.get(name) ?? [];
      const source = given[0]?.source ?? "default";
      return {
        ...{ name, help, source, flag: flagOf(name), env: environmentNameOf(name), value: value ?? "" },
        isRepeatable: repeatable === true,
        choices: choices ?? (value === undefined ? SWITCH_CHOICES : []),
        texts: given.map(({ text }) => text),
        origin: source === "default" || source === "runtime" ? "" : (given[0]?.origin ?? ""),
        configured: (this.#configured.values.get(name) ?? []).map(({ text }) => text),
        isChangeable: isChangeable === true,
      };
    });
  }

  /** Done when it returns; the promise only carries what is wrong with it. */
  change(changes: Readonly<Record<string, string | null>>): Promise<void> {
    return new Promise((resolve) => {
      this.#change(changes);
      resolve();
    });
  }

  #change(changes: Readonly<Record<string, string | null>>): void {
    const problems: ConfigProblem[] = [];
    const changed = new Map(this.#changed);
    for (const [name, text] of Object.entries(changes)) {
      const option = changeable(name);
      if (option === undefined) problems.push(notChangeable(name));
      else if (text === null) changed.delete(option);
      else changed.set(option, text);
    }
    problems.push(...this.#problemsOf(changed));
    if (problems.length > 0) throw new ConfigError(problems);
    this.#kept.keep(changes);
    this.#changed = changed;
    this.#values = this.#valuesWith(changed);
    this.#config = configOf({ ...this.#configured, values: this.#values });
    this.#tell(Object.keys(changes));
  }

  #tell(names: readonly string[]): void {
    for (const listener of this.#listeners) {
      try {
        listener(names);
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        this.#log.error({ names, cause }, "changed settings not followed");
      }
    }
  }

  /** Who gives a flag expects it to hold. */
  #warnOfGiven(): void {
    const isGiven = (name: OptionName): boolean =>
      this.#configured.values.get(name)?.some(({ source }) => source !== "default") === true;
    const names = [...this.#changed.keys()].filter(isGiven);
    if (names.length === 0) return;
    const advice = "`memobuild settings reset` has what is configured hold again";
    this.#log.warn({ names, advice }, "changed settings hold instead of configured ones");
  }

  /**
   * As many of the kept values as go with what is configured, and with each other. The others stay kept: they may go
   * with what is configured the next time.
   */
  #takeKept(): Changed {
    let taken: Changed = new Map();
    let left = [...this.#kept.all()];
    const problemsWith = (name: string, text: string): readonly ConfigProblem[] => {
      const option = changeable(name);
      return option === undefined ? [notChangeable(name)] : this.#problemsOf(new Map([...taken, [option, text]]));
    };
    for (;;) {
      // One may hold only beside another that comes behind it, as a limit below a higher one.
      const fits = left.find(([name, text]) => problemsWith(name, text).length === 0);
      const option = fits === undefined ? undefined : changeable(fits[0]);
      if (fits === undefined || option === undefined) break;
      taken = new Map([...taken, [option, fits[1]]]);
      left = left.filter((each) => each !== fits);
    }
    for (const [setting, text] of left) {
      const cause = new ConfigError(problemsWith(setting, text)).message;
      this.#log.warn({ setting, cause }, "changed setting left out");
    }
    return taken;
  }

  #valuesWith(changed: Changed): Values {
    const texts = [...changed].map(([name, text]): readonly [OptionName, readonly GivenText[]] => [
      name,
      [{ text, source: "runtime", origin: flagOf(name) }],
    ]);
    return new Map([...this.#configured.values, ...texts]);
  }

  #problemsOf(changed: Changed): readonly ConfigProblem[] {
    const problems = checkValues(this.#valuesWith(changed));
    const isConfiguredOff = this.#configured.values.get("cache")?.[0]?.text === "off";
    const mode = changed.get("cache");
    // It has no registry then, which takes an address that builders must reach.
    if (isConfiguredOff && mode !== undefined && mode !== "off")
      problems.push({
        option: flagOf("cache"),
        message: "MemoBuild was started with the cache off: start it with --cache on or --cache read-only",
      });
    return problems;
  }
}

function notChangeable(name: string): ConfigProblem {
  const isOption = OPTIONS.some((option) => option.name === name);
  const message = isOption ? "cannot be changed while MemoBuild runs" : unknownOption(name, CHANGEABLE);
  return { option: `--${name}`, message };
}
