/** `memobuild status`: how the running MemoBuild is, and whether its builders answer. */
import type { Command } from "commander";
import { formatElapsed } from "../builds/format-elapsed.js";
import { formatByteSize } from "../config/byte-size.js";
import type { ApiClient } from "../http/api-client.js";
import type { BuilderState, StatusReport } from "../http/status-messages.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { Colour, Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderPairs, renderTable } from "./table.js";

interface StatusOptions extends WithServer {
  readonly format: Format;
}

const STATE_COLUMN = 1;
const COLOUR_OF_STATE: Readonly<Record<BuilderState, Colour>> = { up: "green", down: "red", unknown: "dim" };

function cacheText({ cacheMode, cacheBytes, cacheMaxBytes }: StatusReport): string {
  if (cacheBytes === undefined || cacheMaxBytes === undefined) return cacheMode;
  return `${cacheMode}, ${formatByteSize(cacheBytes)} of ${formatByteSize(cacheMaxBytes)}`;
}

function statusText(status: StatusReport, { paint }: Painter): string {
  const { version, uptimeMs, isDraining, listen, api, http, runningBuilds, runningExports, builders } = status;
  const list = (texts: readonly string[]): string => texts.map(printable).join(", ");
  const rows = builders.map((builder) => [
    printable(builder.address),
    builder.state,
    String(builder.runningBuilds),
    builder.cause === undefined ? "" : printable(builder.cause),
  ]);
  const summary = renderPairs([
    ["MemoBuild", printable(version)],
    ["Up for", formatElapsed(uptimeMs)],
    [
      "State",
      isDraining ? paint("draining: it ends when the running builds have", "yellow") : paint("serving", "green"),
    ],
    ["Clients", list(listen)],
    ["API", list(api)],
    ["Metrics", http],
    ["Shared cache", cacheText(status)],
    ["Builds running", String(runningBuilds)],
    ["Exports running", String(runningExports)],
  ]);
  const table = renderTable(["BUILDER", "STATE", "BUILDS", "CAUSE"], rows, (cell, row, column) => {
    const state = column === STATE_COLUMN ? builders[row]?.state : undefined;
    return state === undefined ? cell : paint(cell, COLOUR_OF_STATE[state]);
  });
  return `${summary}\n${table}`;
}

async function showStatus(api: ApiClient, format: Format, { io, painter }: CommandContext): Promise<number> {
  const status = await api.status();
  io.stdout.write(format === "json" ? toJson(status) : statusText(status, painter));
  return 0;
}

export function addStatus(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description("show how the running MemoBuild is: its addresses, cache, builders and running builds")
    .addOption(formatOption())
    .action((options: StatusOptions) => context.run(options, (api) => showStatus(api, options.format, context)));
}
