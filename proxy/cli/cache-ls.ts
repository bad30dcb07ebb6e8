/** `memobuild cache ls`: the exports in the cache, the one that was used last first. */
import type { Command } from "commander";
import type { CacheAdmin } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";
import { formatByteSize } from "../config/byte-size.js";
import { wholeNumberBetween } from "../config/whole-number.js";
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from "../http/cache-messages.js";
import { formatAge } from "./age.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, parseWith, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";
import { printable, renderTable, truncate } from "./table.js";

interface LsOptions {
  readonly project?: string;
  readonly limit: number;
  readonly format: Format;
  /** Commander's name for `--no-trunc` not given. */
  readonly trunc: boolean;
}

const HEAD = [
  "ID",
  "PROJECT",
  "DOCKERFILE",
  "TARGET",
  "PLATFORM",
  "REVISION",
  "RECORDS",
  "SIZE",
  "LAST USED",
  "HITS",
  "PINNED",
] as const;
const PROJECT_CHARS = 40;
const NAME_CHARS = 24;
const REVISION_CHARS = 12;

export function exportTable(exports: readonly ExportSummary[], now: number, isTruncated: boolean): string {
  const short = (text: string, maxChars: number): string =>
    isTruncated ? truncate(printable(text), maxChars) : printable(text);
  const rows = exports.map((summary) => [
    String(summary.id),
    short(summary.project, PROJECT_CHARS),
    short(summary.dockerfile, NAME_CHARS),
    short(summary.target, NAME_CHARS),
    short(summary.platform, NAME_CHARS),
    printable(isTruncated ? summary.revision.slice(0, REVISION_CHARS) : summary.revision),
    String(summary.recordCount),
    formatByteSize(summary.sizeBytes),
    formatAge(now - summary.lastUsedAtMs),
    String(summary.hits),
    summary.isPinned ? "yes" : "",
  ]);
  return renderTable(HEAD, rows);
}

export async function listExports(cache: CacheAdmin, options: LsOptions, io: CliIo): Promise<number> {
  const { project, limit, format, trunc } = options;
  const exports = await cache.list({ limit, ...(project !== undefined && { project }) });
  io.stdout.write(format === "json" ? toJson(exports) : exportTable(exports, io.now(), trunc));
  if (exports.length === limit) io.stderr.write(`memobuild: shows ${limit} at most; --limit shows more\n`);
  return 0;
}

export function addLs(cache: Command, { io, run }: CommandContext): void {
  cache
    .command("ls")
    .description("list the exports in the cache, the one that was used last first")
    .option("--project <text>", "only of projects that contain this text")
    .option(
      "--limit <number>",
      "how many to list",
      parseWith(wholeNumberBetween(1, LIST_LIMIT_MAX)),
      LIST_LIMIT_DEFAULT,
    )
    .option("--no-trunc", "print names in full")
    .addOption(formatOption())
    .action((options: LsOptions & WithServer) => run(options, ({ cache: admin }) => listExports(admin, options, io)));
}
