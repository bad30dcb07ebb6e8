/** `memobuild top`: what the builders and MemoBuild itself use of their machines. */
import { setTimeout as pause } from "node:timers/promises";
import { type Command, Option } from "commander";
import { durationBetween } from "../config/duration.js";
import type { BuilderReport, FarmReport, ResourceUsage } from "../farm/builder-desk.js";
import type { ApiClient } from "../http/api-client.js";
import { plural } from "./build-text.js";
import {
  clientsText,
  countsText,
  cpuText,
  diskFreeText,
  memoryText,
  noteLines,
  stateColour,
  stateSizeText,
  stateText,
} from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import { EXIT_INTERRUPTED } from "./exit-codes.js";
import { type Format, formatOption, parseWith, toJson } from "./option-parser.js";
import type { Painter } from "./paint.js";
import { RedrawnLines } from "./redrawn-lines.js";
import type { WithServer } from "./server-address.js";
import { printable, renderTable } from "./table.js";

interface TopOptions extends WithServer {
  readonly interval: number;
  readonly format: Format;
  readonly once?: true;
}

const INTERVAL_DEFAULT_MS = 2000;
const INTERVAL_MIN_MS = 500;
const INTERVAL_MAX_MS = 3_600_000;

const HEAD = ["BUILDER", "STATE", "CPU", "MEMORY", "STATE SIZE", "DISK FREE", "CLIENTS", "BUILDS"] as const;
const STATE_COLUMN = HEAD.indexOf("STATE");
const NOTHING = printable("");

const usageCells = (usage: ResourceUsage): readonly string[] => [
  cpuText(usage),
  memoryText(usage),
  stateSizeText(usage),
  diskFreeText(usage),
];

function builderRow(builder: BuilderReport): readonly string[] {
  const name = printable(builder.name);
  return [name, stateText(builder), ...usageCells(builder.usage), clientsText(builder), String(builder.runningBuilds)];
}

function farmText({ builders, memobuild, waitingBuilds }: FarmReport, { paint }: Painter): string {
  const running = builders.reduce((sum, { runningBuilds }) => sum + runningBuilds, 0);
  const summary = `Builders: ${countsText(builders)}; ${plural(running, "build")} running, ${waitingBuilds} waiting\n\n`;
  const rows = [...builders.map(builderRow), ["MemoBuild", NOTHING, ...usageCells(memobuild), NOTHING, NOTHING]];
  const table = renderTable(HEAD, rows, (cell, row, column) => {
    const builder = column === STATE_COLUMN ? builders[row] : undefined;
    return builder === undefined ? cell : paint(cell, stateColour(builder));
  });
  const notes = noteLines(builders, 0).map((line) => `${paint(line, "yellow")}\n`);
  return [summary, table, ...(notes.length === 0 ? [] : ["\n", ...notes])].join("");
}

/** As many lines as fit, and how many do not. */
function fitting(text: string, maxRows: number): readonly string[] {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= maxRows) return lines;
  const shown = lines.slice(0, maxRows - 1);
  return [...shown, `and ${plural(lines.length - shown.length, "more line")}`];
}

async function drawUntilInterrupted({ builders }: ApiClient, intervalMs: number, context: CommandContext) {
  const { io, painter } = context;
  const signal = io.interruption();
  const lines = new RedrawnLines(io.stdout);
  while (!signal.aborted) {
    lines.draw(fitting(farmText(await builders.report(), painter), lines.maxRows));
    await pause(intervalMs, undefined, { signal }).catch(() => undefined); // the loop sees that it was aborted
  }
  // It has no other end.
  return EXIT_INTERRUPTED;
}

async function showTop(api: ApiClient, options: TopOptions, context: CommandContext): Promise<number> {
  const { format, interval, once } = options;
  const { io, painter } = context;
  if (format === "table" && once !== true && io.stdout.isTTY === true) {
    return drawUntilInterrupted(api, interval, context);
  }
  const report = await api.builders.report();
  io.stdout.write(format === "json" ? toJson(report) : farmText(report, painter));
  return 0;
}

export function addTop(program: Command, context: CommandContext): void {
  program
    .command("top")
    .description("show processors, memory and disk that the builders and MemoBuild use, until Ctrl-C")
    .addOption(
      new Option("--interval <duration>", "how often it is drawn anew, as in 500ms, 2s or 1m")
        .argParser(parseWith(durationBetween(INTERVAL_MIN_MS, INTERVAL_MAX_MS)))
        .default(INTERVAL_DEFAULT_MS, "2s"),
    )
    .option("--once", "print it once, as is done where there is no terminal")
    .addOption(formatOption())
    .addHelpText(
      "after",
      "\nCPU is processors in use; behind a stroke stands the limit, and behind DISK FREE the size of the disk. With\n" +
        "--format json it is printed once.\n",
    )
    .action((options: TopOptions) => context.run(options, (api) => showTop(api, options, context)));
}
