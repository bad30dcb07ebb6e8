/** `memobuild settings set` and `reset`: changes one setting, or undoes that. */
import { Argument, type Command } from "commander";
import { OPTIONS } from "../config/options.js";
import type { ApiClient } from "../http/api-client.js";
import type { CommandContext } from "./command-context.js";
import type { WithServer } from "./server-address.js";
import { valueText, whereFrom } from "./setting-text.js";

const CHANGEABLE: readonly string[] = OPTIONS.filter(({ isChangeable }) => isChangeable === true).map(
  ({ name }) => name,
);

const nameArgument = (): Argument =>
  new Argument("<name>", "of the setting, as its flag is called").choices(CHANGEABLE);

async function change(api: ApiClient, name: string, value: string | null, { io }: CommandContext): Promise<number> {
  const { settings } = await api.changeSettings({ [name]: value });
  const setting = settings.find((each) => each.name === name);
  if (setting !== undefined) io.stdout.write(`${name}: ${valueText(setting.texts)} (${whereFrom(setting)})\n`);
  return 0;
}

export function addSettingsSet(settings: Command, context: CommandContext): void {
  settings
    .command("set")
    .description("change a setting; from now on it goes before flag, environment and file")
    .addArgument(nameArgument())
    .argument("<value>", "as one would write it behind the flag")
    .action((name: string, value: string, options: WithServer) =>
      context.run(options, (api) => change(api, name, value, context)),
    );
  settings
    .command("reset")
    .description("undo the change of a setting: what is configured holds again")
    .addArgument(nameArgument())
    .action((name: string, options: WithServer) => context.run(options, (api) => change(api, name, null, context)));
}
