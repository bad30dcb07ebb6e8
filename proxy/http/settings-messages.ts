/** The JSON about settings: what is configured, where from, and changes to it. */
import { z } from "zod";
import { SETTING_SOURCES, type SettingReport } from "../config/settings.js";

export interface SettingsReport {
  /** In the order of `--help`. */
  readonly settings: readonly SettingReport[];
}

const texts = z.array(z.string());

export const settingsReport: z.ZodType<SettingsReport> = z.object({
  settings: z.array(
    z.object({
      name: z.string(),
      flag: z.string(),
      env: z.string(),
      help: z.string(),
      value: z.string(),
      isRepeatable: z.boolean(),
      choices: texts,
      texts,
      source: z.enum(SETTING_SOURCES),
      origin: z.string(),
      configured: texts,
      isChangeable: z.boolean(),
    }),
  ),
});

const TEXT_MAX_CHARS = 256;

export interface SettingsChange {
  /** By name of the option, as it is written there; null: as configured again. */
  readonly changes: Readonly<Record<string, string | null>>;
}

export const settingsChange: z.ZodType<SettingsChange> = z.strictObject({
  changes: z
    .record(z.string().max(TEXT_MAX_CHARS), z.string().max(TEXT_MAX_CHARS).nullable())
    .describe("by name of the option, as it would be written there; null: as configured again"),
});
