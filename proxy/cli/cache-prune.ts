/** `memobuild cache prune`: removes what was used least recently, in the words of `docker buildx prune`. */
import type { Command } from "commander";
import type { CacheAdmin, PruneOptions, PruneResult } from "../cache/cache-admin.js";
import { byteSizeFrom, formatByteSize } from "../config/byte-size.js";
import { formatDuration } from "../config/duration.js";
import { exportTable } from "./cache-ls.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { confirm } from "./confirm.js";
import { type Format, formatOption, parseWith, toJson } from "./option-parser.js";
import { addPruneFilter, type PruneFilter } from "./prune-filter.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

interface PruneFlags {
  readonly filter?: PruneFilter;
  readonly maxUsedSpace?: number;
  readonly keepStorage?: number;
  readonly reservedSpace?: number;
  readonly minFreeSpace?: number;
  readonly force?: true;
  readonly dryRun?: true;
  readonly format: Format;
}

/** Space that may be used and space that is kept are one limit here: the store shrinks to it and no further. */
function optionsFrom(flags: PruneFlags): PruneOptions {
  const { filter = {}, maxUsedSpace, keepStorage, reservedSpace, minFreeSpace, dryRun } = flags;
  const kept = [maxUsedSpace, keepStorage, reservedSpace].filter((sizeBytes) => sizeBytes !== undefined);
  return {
    ...filter,
    ...(kept.length > 0 && { keepBytes: Math.max(...kept) }),
    ...(minFreeSpace !== undefined && { minFreeBytes: minFreeSpace }),
    ...(dryRun === true && { isDryRun: true }),
  };
}

function questionFor({ unusedForMs, project, keepBytes, minFreeBytes }: PruneOptions): string {
  const which = [
    ...(unusedForMs === undefined ? [] : [`not used for ${formatDuration(unusedForMs)}`]),
    ...(project === undefined ? [] : [`of projects with "${printable(project)}" in their name`]),
  ].join(" and ");
  const until = [
    ...(keepBytes === undefined ? [] : [`the cache is no larger than ${formatByteSize(keepBytes)}`]),
    ...(minFreeBytes === undefined ? [] : [`${formatByteSize(minFreeBytes)} of the disk are free`]),
  ].join(" and ");
  const what = which === "" ? "all of the shared cache" : `all of the shared cache ${which}`;
  const limit = until === "" ? "" : `, the least recently used first, until ${until}`;
  return `WARNING! This removes ${what}${limit}. What is pinned or in use stays. Continue?`;
}

function resultText({ exports, blobs, bytes }: PruneResult, now: number, isDryRun: boolean): string {
  const total = `${formatByteSize(bytes)} (exports: ${exports.length}, blobs: ${blobs})`;
  const table = exports.length === 0 ? "" : `${exportTable(exports, now, true)}\n`;
  return `${table}${isDryRun ? "Would be removed" : "Removed"}: ${total}\n`;
}

async function prune(cache: CacheAdmin, flags: PruneFlags, io: CliIo): Promise<number> {
  const options = optionsFrom(flags);
  const isDryRun = options.isDryRun === true;
  const signal = io.interruption();
  if (flags.force !== true && !isDryRun && !(await confirm(questionFor(options), io, signal))) return 0;
  const result = await cache.prune(options, signal);
  io.stdout.write(flags.format === "json" ? toJson(result) : resultText(result, io.now(), isDryRun));
  return 0;
}

/** What commander does not check. */
function check({ force, dryRun, reservedSpace, minFreeSpace }: PruneFlags, command: Command, { stdin }: CliIo): void {
  if (reservedSpace !== undefined && minFreeSpace !== undefined) {
    command.error("error: --reserved-space and --min-free-space may stand against each other; give one of them");
  }
  if (force !== true && dryRun !== true && stdin.isTTY !== true) {
    command.error("error: there is no terminal to confirm it at; give --force, or --dry-run to see what would go");
  }
}

export function addPrune(cache: Command, { io, run }: CommandContext): void {
  const size = parseWith(byteSizeFrom(0));
  cache
    .command("prune")
    .description("remove cache, the least recently used first; what is pinned or in use stays")
    .option("--filter <filter>", "until=24h: not used for so long; project=<text>: of such projects", addPruneFilter)
    .option("--max-used-space <size>", "stop when the cache is no larger, as in 512mb, 20GiB", size)
    .option("--min-free-space <size>", "stop when so much of the disk is free", size)
    .option("--reserved-space <size>", "keep so much of the cache", size)
    .option("--keep-storage <size>", "the older name of --max-used-space", size)
    .option("-a, --all", "as without it: everything that the other options do not keep goes")
    .option("-f, --force", "do not ask")
    .option("--dry-run", "show what would go, and remove nothing")
    .addOption(formatOption())
    .action((flags: PruneFlags & WithServer, command: Command) => {
      check(flags, command, io);
      return run(flags, ({ cache: admin }) => prune(admin, flags, io));
    });
}
