/** `memobuild stats`: what the shared cache did for the builds of some time. */
import type { Command } from "commander";
import type { CauseKind } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import type { Figures } from "../builds/history.js";
import { formatByteSize } from "../config/byte-size.js";
import { formatDuration } from "../config/duration.js";
import type { ApiClient } from "../http/api-client.js";
import { plural, shortRef } from "./build-text.js";
import { sinceOption } from "./builds-ls.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";
import { printable, renderPairs, renderTable, truncate } from "./table.js";

interface StatsOptions extends WithServer {
  readonly since: number;
  readonly project?: string;
  readonly format: Format;
}

const SINCE_DEFAULT_MS = 86_400_000;
const STEP_CHARS = 80;

const percent = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`);

const causeText = (kind: CauseKind): string => kind.replaceAll("_", " ");

function outcomesText({ succeeded, failed, canceled, lost, running }: Figures): string {
  return Object.entries({ succeeded, failed, canceled, lost, running })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function summaryText(figures: Figures, window: string): string {
  const { builds, durationMs, cachedSteps, cachedBuilderSteps, cachedSharedSteps, cacheableSteps, ranSteps } = figures;
  const outcomes = outcomesText(figures);
  return renderPairs([
    ["Window", window],
    ["Builds", `${builds}${outcomes === "" ? "" : ` (${outcomes})`}`],
    ["Build time", formatElapsed(durationMs)],
    [
      "Hit rate",
      `${percent(cachedSteps, cacheableSteps)} (${cachedSteps} of ${plural(cacheableSteps, "step")}: ` +
        `${cachedSharedSteps} from the shared cache, ${cachedBuilderSteps} from the builders' own)`,
    ],
    ["Steps that ran", String(ranSteps)],
    ["Time saved", formatElapsed(figures.savedMs)],
    ["Sent by clients", formatByteSize(figures.contextBytes)],
    ["From the cache", formatByteSize(figures.fetchedBytes)],
    ["To the cache", formatByteSize(figures.exportedBytes)],
    ["Costs most", figures.costsMost?.text ?? ""],
    ["What to do", figures.costsMost?.hint ?? ""],
  ]);
}

function listsText({ causes, slowestSteps, projects }: Figures): string {
  const causeRows = causes.map(({ kind, count, steps, durationMs }) => [
    causeText(kind),
    String(count),
    String(steps),
    formatElapsed(durationMs),
  ]);
  const stepRows = slowestSteps.map(({ name, durationMs, project, ref }) => [
    formatElapsed(durationMs),
    truncate(printable(name), STEP_CHARS),
    printable(project),
    shortRef(ref),
  ]);
  const projectRows = projects.map(({ project, builds, cachedSteps, cacheableSteps, savedMs }) => [
    printable(project),
    String(builds),
    percent(cachedSteps, cacheableSteps),
    formatElapsed(savedMs),
  ]);
  const tables = [
    { head: ["WHY STEPS RAN", "TIMES", "STEPS", "TIME"], rows: causeRows },
    { head: ["SLOWEST", "STEP", "PROJECT", "BUILD"], rows: stepRows },
    { head: ["PROJECT", "BUILDS", "HIT RATE", "TIME SAVED"], rows: projectRows },
  ];
  return tables
    .filter(({ rows }) => rows.length > 0)
    .map(({ head, rows }) => `\n${renderTable(head, rows)}`)
    .join("");
}

async function showStats(api: ApiClient, options: StatsOptions, { io }: CommandContext): Promise<number> {
  const { since, project, format } = options;
  const sinceMs = io.now() - since;
  const figures = await api.builds.figures({ sinceMs, project });
  const window = `the last ${formatDuration(since)}, since ${new Date(sinceMs).toISOString()}`;
  io.stdout.write(format === "json" ? toJson(figures) : `${summaryText(figures, window)}${listsText(figures)}`);
  return 0;
}

export function addStats(program: Command, context: CommandContext): void {
  program
    .command("stats")
    .description("show hit rate, time saved, slowest steps and causes of misses of the builds of some time")
    .addOption(sinceOption("builds that started within so long, as in 90m, 24h or 7d").default(SINCE_DEFAULT_MS, "24h"))
    .option("--project <text>", "only of projects that contain this text")
    .addOption(formatOption())
    .addHelpText(
      "after",
      "\nThe hit rate counts as BuildKit does: without internal steps and base images. Time saved is what running the\n" +
        "reused steps took when they last ran.\n",
    )
    .action((options: StatsOptions) => context.run(options, (api) => showStats(api, options, context)));
}
