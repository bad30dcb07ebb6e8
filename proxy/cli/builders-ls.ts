/** `memobuild builders ls`: the builders, how they do and what they have. */
import type { Command } from "commander";
import type { BuilderReport } from "../farm/builder-desk.js";
import type { ApiClient } from "../http/api-client.js";
import { formatAge } from "./age.js";
import { clientsText, noteLines, stateColour, stateSizeText, stateText } from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";
import { printable, renderTable, truncate } from "./table.js";

interface LsOptions extends WithServer {
  readonly format: Format;
  /** Commander's name for `--no-trunc` not given. */
  readonly trunc: boolean;
}

const HEAD = ["NAME", "STATE", "VERSION", "PLATFORMS", "CLIENTS", "BUILDS", "STATE SIZE", "UP SINCE"] as const;
const STATE_COLUMN = HEAD.indexOf("STATE");
const PLATFORMS_CHARS = 40;

interface TableOptions extends Pick<CommandContext, "painter"> {
  readonly nowMs: number;
  readonly isTruncated: boolean;
}

function builderTable(builders: readonly BuilderReport[], { nowMs, isTruncated, painter }: TableOptions): string {
  const rows = builders.map((builder) => {
    const platforms = printable(builder.platforms.join(", "));
    return [
      printable(builder.name),
      stateText(builder),
      printable(builder.version),
      isTruncated ? truncate(platforms, PLATFORMS_CHARS) : platforms,
      clientsText(builder),
      String(builder.runningBuilds),
      stateSizeText(builder.usage),
      builder.state === "up" ? formatAge(nowMs - builder.sinceMs) : printable(""),
    ];
  });
  return renderTable(HEAD, rows, (cell, row, column) => {
    const builder = column === STATE_COLUMN ? builders[row] : undefined;
    return builder === undefined ? cell : painter.paint(cell, stateColour(builder));
  });
}

async function showBuilders(api: ApiClient, options: LsOptions, { io, painter }: CommandContext): Promise<number> {
  const { builders, waitingBuilds } = await api.builders.report();
  if (options.format === "json") {
    io.stdout.write(toJson(builders));
    return 0;
  }
  const notes = noteLines(builders, waitingBuilds).map((line) => `${line}\n`);
  const table = builderTable(builders, { nowMs: io.now(), isTruncated: options.trunc, painter });
  io.stdout.write([table, ...(notes.length === 0 ? [] : ["\n", ...notes])].join(""));
  return 0;
}

export function addBuildersLs(builders: Command, context: CommandContext): void {
  builders
    .command("ls")
    .description("list the builders: whether they are used, what they can do and what they have to do")
    .option("--no-trunc", "print platforms in full")
    .addOption(formatOption())
    .addHelpText(
      "after",
      "\nUnder STATE, up is used, draining gets no new builds, down does not answer, refused answers and is not used.\n" +
        "CLIENTS are those that build there, of as many as may.\n",
    )
    .action((options: LsOptions) => context.run(options, (api) => showBuilders(api, options, context)));
}
