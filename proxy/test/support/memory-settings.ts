/** Settings whose changes are kept in memory. */
import { type Flags, loadConfigured } from "../../config/load-config.js";
import { type KeptSettings, RuntimeSettings, type SettingsLog } from "../../config/runtime-settings.js";

export class MemoryKeptSettings implements KeptSettings {
  readonly #values: Map<string, string>;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.#values = new Map(Object.entries(values));
  }

  all(): ReadonlyMap<string, string> {
    return new Map(this.#values);
  }

  keep(changes: Readonly<Record<string, string | null>>): void {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) this.#values.delete(name);
      else this.#values.set(name, value);
    }
  }
}

const SILENT: SettingsLog = { warn() {}, error() {} };

export interface MemorySettingsOptions {
  readonly flags?: Flags;
  readonly env?: Readonly<Record<string, string>>;
  /** Text of memobuild.yaml. */
  readonly yaml?: string;
  readonly kept?: KeptSettings;
  readonly log?: SettingsLog;
}

export function memorySettings(options: MemorySettingsOptions = {}): RuntimeSettings {
  const { env, flags, kept = new MemoryKeptSettings(), log = SILENT, yaml } = options;
  const configured = loadConfigured({
    flags: { ...(yaml !== undefined && { config: ["memobuild.yaml"] }), ...flags },
    env: { HOME: "/home/dev", ...env },
    cwd: "/srv",
    readFile: () => yaml ?? "",
  });
  return new RuntimeSettings(configured, kept, log);
}
