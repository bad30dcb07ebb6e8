/** `memobuild settings ls`: every option, its value and where that is from. */
import type { Command } from "commander";
import type { SettingReport } from "../config/settings.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";
import { valueText, whereFrom } from "./setting-text.js";
import { renderTable } from "./table.js";

interface LsOptions extends WithServer {
  readonly format: Format;
}

const HEAD = ["NAME", "VALUE", "FROM", "CHANGEABLE"] as const;

const rowOf = (setting: SettingReport): string[] => [
  setting.name,
  valueText(setting.texts),
  whereFrom(setting),
  setting.isChangeable ? "yes" : "",
];

export function addSettingsLs(settings: Command, context: CommandContext): void {
  const { stdout } = context.io;
  settings
    .command("ls", { isDefault: true })
    .description("list the settings: what holds, where it is from, and what can be changed (the default)")
    .addOption(formatOption())
    .action((options: LsOptions) =>
      context.run(options, async (api) => {
        const report = await api.settings();
        stdout.write(
          options.format === "json" ? toJson(report.settings) : renderTable(HEAD, report.settings.map(rowOf)),
        );
        return 0;
      }),
    );
}
