/** `memobuild builders drain` and `undrain`: whether builders get new builds. */
import type { Command } from "commander";
import type { BuilderReport } from "../farm/builder-desk.js";
import type { ApiClient } from "../http/api-client.js";
import { attempt } from "./attempt.js";
import { plural } from "./build-text.js";
import { BUILDER_ARGUMENT, BUILDER_NAME_HELP, stateText } from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

interface Change {
  readonly name: "drain" | "undrain";
  readonly description: string;
}

const CHANGES: readonly Change[] = [
  { name: "drain", description: "give builders no more builds; they finish those that they have" },
  { name: "undrain", description: "give drained builders builds again" },
];

const changedText = (builder: BuilderReport): string =>
  `${printable(builder.name)}: ${stateText(builder)}, ${plural(builder.runningBuilds, "build")} running\n`;

async function changeAll(
  { builders }: ApiClient,
  change: Change["name"],
  names: readonly string[],
  { io }: CommandContext,
): Promise<number> {
  let exitCode = 0;
  for (const name of names) {
    const code = await attempt(io, async () => {
      io.stdout.write(changedText(await builders[change](name)));
    });
    exitCode = Math.max(exitCode, code);
  }
  return exitCode;
}

export function addBuildersDrain(builders: Command, context: CommandContext): void {
  for (const { name, description } of CHANGES) {
    builders
      .command(name)
      .description(description)
      .argument(`<${BUILDER_ARGUMENT}...>`, BUILDER_NAME_HELP)
      .action((names: readonly string[], options: WithServer) =>
        context.run(options, (api) => changeAll(api, name, names, context)),
      );
  }
}
