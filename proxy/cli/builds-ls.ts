/** `memobuild builds ls`: the builds that run and those that have ended, the latest start first. */
import { type Command, Option } from "commander";
import { BUILD_OUTCOMES, type BuildOutcome, type BuildSummary } from "../builds/build-record.js";
import type { BuildQuery } from "../builds/history.js";
import { durationBetween } from "../config/duration.js";
import { wholeNumberBetween } from "../config/whole-number.js";
import type { ApiClient } from "../http/api-client.js";
import { BUILDS_LIMIT_DEFAULT, BUILDS_LIMIT_MAX } from "../http/desk-messages.js";
import { formatAge } from "./age.js";
import { durationText, shortRef, stepsText, targetText } from "./build-text.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, parseWith, toJson } from "./option-parser.js";
import { COLOUR_OF } from "./paint.js";
import type { WithServer } from "./server-address.js";
import { printable, renderTable, truncate } from "./table.js";

interface LsOptions extends WithServer {
  readonly project?: string;
  readonly builder?: string;
  readonly outcome?: BuildOutcome;
  readonly since?: number;
  readonly limit: number;
  readonly format: Format;
  /** Commander's name for `--no-trunc` not given. */
  readonly trunc: boolean;
}

const HEAD = ["REF", "PROJECT", "TARGET", "STATUS", "STEPS", "DURATION", "STARTED", "FIRST MISS"] as const;
const GROUP_HEAD = "GROUP";
const STATUS_COLUMN = HEAD.indexOf("STATUS");
const LIST_MAX = 10_000;
const PROJECT_CHARS = 40;
const TARGET_CHARS = 32;
const MISS_CHARS = 60;
const YEAR_MS = 365 * 86_400_000;

/** A number for each group of which more than one build is listed, such as the targets of one bake. */
function groupNumbers(builds: readonly BuildSummary[]): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const { group } of builds) counts.set(group, (counts.get(group) ?? 0) + 1);
  const shared = [...counts].filter(([group, count]) => group !== "" && count > 1);
  return new Map(shared.map(([group], index) => [group, String(index + 1)]));
}

interface TableOptions extends Pick<CommandContext, "painter"> {
  readonly nowMs: number;
  readonly isTruncated: boolean;
}

export function buildTable(builds: readonly BuildSummary[], { nowMs, isTruncated, painter }: TableOptions): string {
  const short = (text: string, maxChars: number): string => (isTruncated ? truncate(text, maxChars) : text);
  const groups = groupNumbers(builds);
  const rows = builds.map((build) => [
    isTruncated ? shortRef(build.ref) : printable(build.ref),
    short(printable(build.project), PROJECT_CHARS),
    short(targetText(build) || "-", TARGET_CHARS),
    build.outcome,
    stepsText(build),
    durationText(build, nowMs),
    formatAge(nowMs - build.startedAtMs),
    short(printable(build.firstMiss?.text ?? ""), MISS_CHARS),
    ...(groups.size > 0 ? [groups.get(build.group) ?? ""] : []),
  ]);
  return renderTable(groups.size > 0 ? [...HEAD, GROUP_HEAD] : HEAD, rows, (cell, row, column) => {
    const outcome = builds[row]?.outcome;
    return outcome !== undefined && column === STATUS_COLUMN ? painter.paint(cell, COLOUR_OF[outcome]) : cell;
  });
}

interface Listed {
  readonly builds: readonly BuildSummary[];
  readonly hasMore: boolean;
}

/** Page by page, until there are no more or `limit` is reached. */
export async function listBuilds({ builds }: ApiClient, query: BuildQuery): Promise<Listed> {
  const found: BuildSummary[] = [];
  let cursor = query.cursor;
  do {
    const limit = Math.min(query.limit - found.length, BUILDS_LIMIT_MAX);
    const page = await builds.list({ ...query, limit, cursor });
    found.push(...page.builds);
    cursor = page.cursor;
  } while (cursor !== undefined && found.length < query.limit);
  return { builds: found, hasMore: cursor !== undefined };
}

async function showBuilds(api: ApiClient, options: LsOptions, { io, painter }: CommandContext): Promise<number> {
  const { project, builder, outcome, since, limit, format, trunc } = options;
  const nowMs = io.now();
  const sinceMs = since === undefined ? undefined : nowMs - since;
  const { builds, hasMore } = await listBuilds(api, { project, builder, outcome, sinceMs, limit });
  io.stdout.write(format === "json" ? toJson(builds) : buildTable(builds, { nowMs, isTruncated: trunc, painter }));
  if (hasMore) io.stderr.write(`memobuild: shows ${limit} at most; --limit shows more\n`);
  return 0;
}

export const sinceOption = (help: string): Option =>
  new Option("--since <duration>", help).argParser(parseWith(durationBetween(1, YEAR_MS)));

export function addBuildsLs(builds: Command, context: CommandContext): void {
  builds
    .command("ls")
    .description("list builds, running and ended, the latest start first")
    .option("--project <text>", "only of projects that contain this text")
    .option("--builder <address>", "only of the builder with this address")
    .addOption(new Option("--outcome <outcome>", "only those with this outcome").choices(BUILD_OUTCOMES))
    .addOption(sinceOption("only those that started within so long, as in 90m, 24h or 7d"))
    .option("--limit <number>", "how many to list", parseWith(wholeNumberBetween(1, LIST_MAX)), BUILDS_LIMIT_DEFAULT)
    .option("--no-trunc", "print refs, names and reasons in full")
    .addOption(formatOption())
    .addHelpText(
      "after",
      "\nSTEPS are those from a cache, of those that may be. Builds with the same number under GROUP are one client's,\n" +
        "such as the targets of one bake.\n",
    )
    .action((options: LsOptions) => context.run(options, (api) => showBuilds(api, options, context)));
}
