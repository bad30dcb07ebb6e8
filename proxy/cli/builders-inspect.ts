/** `memobuild builders inspect`: all that is known of one builder. */
import type { Command } from "commander";
import type { BuilderDetails } from "../farm/builder-desk.js";
import type { ApiClient } from "../http/api-client.js";
import { formatAge } from "./age.js";
import {
  BUILDER_ARGUMENT,
  BUILDER_NAME_HELP,
  clientsText,
  cpuText,
  diskFreeText,
  memoryText,
  stateColour,
  stateSizeText,
  stateText,
} from "./builder-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderPairs, renderTable } from "./table.js";

interface InspectOptions extends WithServer {
  readonly format: Format;
}

function originText({ origin, resolvedFrom }: BuilderDetails): string {
  switch (origin) {
    case "embedded":
      return "run by MemoBuild, which was told of none";
    case "configured":
      return "--builder";
    case "resolved":
      return `--builder ${printable(resolvedFrom ?? "")}`;
    case "managed":
      return "run by MemoBuild, as --managed-builders says";
    case "added":
      return "memobuild builders add";
  }
}

function summaryText(builder: BuilderDetails, nowMs: number, { paint }: Painter): string {
  const { cause, sinceMs, usage, runningBuilds } = builder;
  return renderPairs([
    ["Builder", printable(builder.name)],
    ["Address", printable(builder.address)],
    ["From", originText(builder)],
    ["State", paint(stateText(builder), stateColour(builder))],
    ["Since", `${new Date(sinceMs).toISOString()} (${formatAge(nowMs - sinceMs)})`],
    ["Cause", cause === undefined ? "" : printable(cause)],
    ["BuildKit", printable(builder.version)],
    ["Platforms", printable(builder.platforms.join(", "))],
    ["Worker", printable(builder.workerId)],
    ["Clients", clientsText(builder)],
    ["Builds running", String(runningBuilds)],
    ["CPU", cpuText(usage)],
    ["Memory", memoryText(usage)],
    ["State size", stateSizeText(usage)],
    ["Disk free", diskFreeText(usage)],
  ]);
}

function listsText({ labels, limitations, projects, warnings }: BuilderDetails, nowMs: number): string {
  const projectRows = projects.map(({ project, builds, lastBuiltAtMs }) => [
    printable(project),
    String(builds),
    formatAge(nowMs - lastBuiltAtMs),
  ]);
  const tables = [
    { head: ["WARNING"], rows: warnings.map((warning) => [printable(warning)]) },
    { head: ["LIMITATION"], rows: limitations.map((limitation) => [printable(limitation)]) },
    { head: ["WARM PROJECT", "BUILDS", "LAST"], rows: projectRows },
    { head: ["LABEL", "VALUE"], rows: Object.entries(labels).map((label) => label.map(printable)) },
  ];
  return tables
    .filter(({ rows }) => rows.length > 0)
    .map(({ head, rows }) => `\n${renderTable(head, rows)}`)
    .join("");
}

async function inspect(
  { builders }: ApiClient,
  name: string,
  format: Format,
  { io, painter }: CommandContext,
): Promise<number> {
  const builder = await builders.inspect(name);
  const nowMs = io.now();
  io.stdout.write(
    format === "json" ? toJson(builder) : `${summaryText(builder, nowMs, painter)}${listsText(builder, nowMs)}`,
  );
  return 0;
}

export function addBuildersInspect(builders: Command, context: CommandContext): void {
  builders
    .command("inspect")
    .description(
      "show what is known of a builder: why it is not used, what it lacks, and the projects that are warm there",
    )
    .argument(`<${BUILDER_ARGUMENT}>`, BUILDER_NAME_HELP)
    .addOption(formatOption())
    .action((name: string, options: InspectOptions) =>
      context.run(options, (api) => inspect(api, name, options.format, context)),
    );
}
