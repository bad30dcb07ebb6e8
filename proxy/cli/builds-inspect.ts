/** `memobuild builds inspect`: what is recorded of one build. */
import type { Command } from "commander";
import type { BuildRecord, StepRecord } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import { formatByteSize } from "../config/byte-size.js";
import type { ApiClient } from "../http/api-client.js";
import { formatAge } from "./age.js";
import { BUILD_NAME_HELP, durationText, LATEST_BUILD, plural, shortRef } from "./build-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import { COLOUR_OF, type Painter } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderPairs, renderTable, truncate } from "./table.js";

interface InspectOptions extends WithServer {
  readonly format: Format;
  /** Commander's name for `--no-trunc` not given. */
  readonly trunc: boolean;
}

const STEP_CHARS = 80;
const RESULT_COLUMN = 2;

const orNothing = (text: string): string => (text === "" ? "" : printable(text));

function stepsLine({ counts }: BuildRecord): string {
  const { cached, cachedShared, cachedBuilder, cacheable, ran, warnings } = counts;
  const sources = [
    ...(cachedShared > 0 ? [`${cachedShared} shared`] : []),
    ...(cachedBuilder > 0 ? [`${cachedBuilder} the builder's`] : []),
  ].join(", ");
  const warned = warnings > 0 ? `, ${plural(warnings, "warning")}` : "";
  return `${cached} of ${cacheable} from a cache${sources === "" ? "" : ` (${sources})`}, ${ran} ran${warned}`;
}

function importLine({ import: { result, from, records, fetchedLayers, fetchedBytes } }: BuildRecord): string {
  const made = from.length === 0 ? "" : `, ${plural(records, "record")} of ${plural(from.length, "build")}`;
  const fetched =
    fetchedLayers === 0 ? "" : `, ${plural(fetchedLayers, "layer")} fetched (${formatByteSize(fetchedBytes)})`;
  return `${printable(result)}${made}${fetched}`;
}

function exportLine({ export: { result, bytes, durationMs } }: BuildRecord): string {
  const written = durationMs === 0 ? "" : `, ${formatByteSize(bytes)} in ${formatElapsed(durationMs)} behind the build`;
  return `${printable(result)}${written}`;
}

function summaryText(build: BuildRecord, nowMs: number, { paint }: Painter): string {
  const { baseline, noCache, argumentNames, startedAtMs, firstMiss } = build;
  const list = (texts: readonly string[]): string => texts.map(printable).join(", ");
  return renderPairs([
    ["Build", printable(build.ref)],
    ["Project", orNothing(build.project)],
    ["Dockerfile", orNothing(build.dockerfile)],
    ["Target", orNothing(build.target)],
    ["Platform", orNothing(build.platform)],
    ["Revision", orNothing(build.revision)],
    ["Builder", orNothing(build.builder)],
    ["Group", orNothing(build.group)],
    ["Outputs", list(build.outputs)],
    ["Arguments", list(argumentNames)],
    ["Without cache", noCache.includes("*") ? "all stages" : list(noCache)],
    ["Started", `${new Date(startedAtMs).toISOString()} (${formatAge(nowMs - startedAtMs)})`],
    ["Duration", durationText(build, nowMs)],
    ["Outcome", paint(build.outcome, COLOUR_OF[build.outcome])],
    ["Error", orNothing(build.error)],
    ["Steps", stepsLine(build)],
    ["Time saved", formatElapsed(build.savedMs)],
    ["Added latency", `${Math.round(build.addedMs)}ms`],
    ["Cache import", importLine(build)],
    ["Cache export", exportLine(build)],
    ["Compared with", baseline === "" ? "" : shortRef(baseline)],
    ["First miss", firstMiss === undefined ? "" : `${printable(firstMiss.step)}: ${printable(firstMiss.text)}`],
  ]);
}

const lineText = ({ lines }: StepRecord): string => {
  if (lines === undefined) return "";
  const range = lines.first === lines.last ? String(lines.first) : `${lines.first}-${lines.last}`;
  return `${printable(lines.file)}:${range}`;
};

function stepsTable({ steps, isCut }: BuildRecord, isTruncated: boolean, { paint }: Painter): string {
  const rows = steps.map((step, index) => [
    String(index + 1),
    isTruncated ? truncate(printable(step.name), STEP_CHARS) : printable(step.name),
    step.result,
    step.cachedFrom ?? "",
    step.durationMs === 0 ? "" : formatElapsed(step.durationMs),
    lineText(step),
  ]);
  const table = renderTable(["#", "STEP", "RESULT", "CACHE", "TIME", "LINE"], rows, (cell, row, column) => {
    const result = column === RESULT_COLUMN ? steps[row]?.result : undefined;
    return result === undefined ? cell : paint(cell, COLOUR_OF[result]);
  });
  return isCut ? `${table}there were more steps than are kept\n` : table;
}

function troubleText({ steps }: BuildRecord): string {
  const lines = steps.flatMap(({ error, warnings }, index) => [
    ...(error === "" ? [] : [`#${index + 1} failed: ${printable(error)}`]),
    ...warnings.map((warning) => `#${index + 1} warning: ${printable(warning)}`),
  ]);
  return lines.length === 0 ? "" : `\n${lines.map((line) => `${line}\n`).join("")}`;
}

function transfersTable({ transfers }: BuildRecord): string {
  if (transfers.length === 0) return "";
  const rows = transfers.map(({ name, fileCount, isComplete, requestedFiles, sentBytes }) => [
    printable(name),
    `${fileCount}${isComplete ? "" : " or more"}`,
    String(requestedFiles),
    formatByteSize(sentBytes),
  ]);
  return `\n${renderTable(["SENT BY THE CLIENT", "FILES", "ASKED FOR", "SENT"], rows)}`;
}

export function buildText(build: BuildRecord, nowMs: number, isTruncated: boolean, painter: Painter): string {
  const summary = summaryText(build, nowMs, painter);
  const steps = stepsTable(build, isTruncated, painter);
  return `${summary}\n${steps}${troubleText(build)}${transfersTable(build)}`;
}

async function inspect(
  { builds }: ApiClient,
  name: string,
  { format, trunc }: InspectOptions,
  { io, painter }: CommandContext,
): Promise<number> {
  const build = await builds.build(name);
  io.stdout.write(format === "json" ? toJson(build) : buildText(build, io.now(), trunc, painter));
  return 0;
}

export function addBuildsInspect(builds: Command, context: CommandContext): void {
  builds
    .command("inspect")
    .description("show what is recorded of a build: its steps, what was cached and where, what was sent")
    .argument("[build]", BUILD_NAME_HELP, LATEST_BUILD)
    .option("--no-trunc", "print names of steps in full")
    .addOption(formatOption())
    .action((name: string, options: InspectOptions) =>
      context.run(options, (api) => inspect(api, name, options, context)),
    );
}
