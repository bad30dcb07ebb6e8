/** `memobuild status`: how the running MemoBuild is, and which builders are not used. */
import type { Command } from "commander";
import { formatElapsed } from "../builds/format-elapsed.js";
import { formatByteSize } from "../config/byte-size.js";
import type { ApiClient } from "../http/api-client.js";
import type { StatusReport } from "../http/status-messages.js";
import { countsText, stateColour, stateText } from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderPairs, renderTable } from "./table.js";

interface StatusOptions extends WithServer {
  readonly format: Format;
}

const STATE_COLUMN = 1;

function cacheText({ cacheMode, cacheBytes, cacheMaxBytes }: StatusReport): string {
  if (cacheBytes === undefined || cacheMaxBytes === undefined) return cacheMode;
  return `${cacheMode}, ${formatByteSize(cacheBytes)} of ${formatByteSize(cacheMaxBytes)}`;
}

/** Those that are not up, and why. */
function troubleTable({ builders }: StatusReport, { paint }: Painter): string {
  const missing = builders.filter(({ state }) => state !== "up");
  if (missing.length === 0) return "";
  const rows = missing.map((builder) => [
    printable(builder.name),
    stateText(builder),
    String(builder.runningBuilds),
    printable(builder.cause ?? ""),
  ]);
  const table = renderTable(["BUILDER", "STATE", "BUILDS", "CAUSE"], rows, (cell, row, column) => {
    const builder = column === STATE_COLUMN ? missing[row] : undefined;
    return builder === undefined ? cell : paint(cell, stateColour(builder));
  });
  return `\n${table}`;
}

function statusText(status: StatusReport, painter: Painter): string {
  const { version, uptimeMs, isDraining, listen, api, http, page, runningBuilds, runningExports, builders } = status;
  const list = (texts: readonly string[]): string => texts.map(printable).join(", ");
  const summary = renderPairs([
    ["MemoBuild", printable(version)],
    ["Up for", formatElapsed(uptimeMs)],
    [
      "State",
      isDraining
        ? painter.paint("draining: it ends when the running builds have", "yellow")
        : painter.paint("serving", "green"),
    ],
    ["Clients", list(listen)],
    ["API", list(api)],
    ["Web page", page ?? "not served where other machines reach it without --insecure-http"],
    ["Metrics", http],
    ["Shared cache", cacheText(status)],
    ["Builders", countsText(builders)],
    ["Builds running", String(runningBuilds)],
    ["Exports running", String(runningExports)],
  ]);
  return `${summary}${troubleTable(status, painter)}`;
}

async function showStatus(api: ApiClient, format: Format, { io, painter }: CommandContext): Promise<number> {
  const status = await api.status();
  io.stdout.write(format === "json" ? toJson(status) : statusText(status, painter));
  return 0;
}

export function addStatus(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description(
      "show how the running MemoBuild is: its addresses, cache and running builds, and builders that are not up",
    )
    .addOption(formatOption())
    .action((options: StatusOptions) => context.run(options, (api) => showStatus(api, options.format, context)));
}
