/** `memobuild builds logs`: what the steps of a build printed, as buildx prints it. */
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import type { BuildRecord } from "../builds/build-record.js";
import type { ApiClient } from "../http/api-client.js";
import { LOG_LIMIT_MAX } from "../http/desk-messages.js";
import { BUILD_NAME_HELP, LATEST_BUILD, shortRef } from "./build-text.js";
import { CommandError, type CommandContext } from "./command-context.js";
import { LogPrinter, type NumberedStep } from "./log-printer.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

interface LogsOptions extends WithServer {
  readonly step?: string;
  readonly follow?: true;
}

/** Between two looks at a build that runs. */
const POLL_INTERVAL_MS = 500;

const numbered = ({ steps }: BuildRecord): readonly NumberedStep[] =>
  steps.map((step, index) => ({ number: index + 1, step }));

const startOf = ({ step }: NumberedStep): number => step.startedAtMs ?? Infinity;

/** Its number as `builds inspect` shows it, or a part of its name in either case. */
function isNamed({ number, step }: NumberedStep, name: string | undefined): boolean {
  if (name === undefined) return true;
  return /^#?\d+$/.test(name)
    ? number === Number(name.replace("#", ""))
    : step.name.toLowerCase().includes(name.toLowerCase());
}

/** Step after step, in the order in which they began; those that never did are left out. */
async function printSteps(
  { builds }: ApiClient,
  { ref }: BuildRecord,
  steps: readonly NumberedStep[],
  log: LogPrinter,
) {
  const begun = steps.filter(({ step }) => step.startedAtMs !== undefined || step.result === "cached");
  for (const numberedStep of begun.toSorted((one, other) => startOf(one) - startOf(other) || 0)) {
    const { step } = numberedStep;
    log.begin(numberedStep);
    for (let after = 0, hasMore = step.logBytes > 0; hasMore;) {
      const page = await builds.logs(ref, { step: step.digest, after, limit: LOG_LIMIT_MAX });
      for (const piece of page.pieces) log.print(numberedStep, piece);
      [after, hasMore] = [page.next, page.hasMore];
    }
    log.end(numberedStep);
  }
}

/** What comes as it comes, until the build has ended. */
async function follow(
  { builds }: ApiClient,
  { ref }: BuildRecord,
  name: string | undefined,
  log: LogPrinter,
  signal: AbortSignal,
): Promise<void> {
  const ended = new Set<number>();
  let after = 0;
  for (;;) {
    // Asked before its logs: what a build printed that has ended is there.
    const build = await builds.build(ref);
    const steps = numbered(build).filter((step) => isNamed(step, name));
    const byDigest = new Map(steps.map((step) => [step.step.digest, step]));
    for (let hasMore = true; hasMore;) {
      const page = await builds.logs(ref, { after, limit: LOG_LIMIT_MAX });
      for (const piece of page.pieces) {
        const step = byDigest.get(piece.step);
        if (step !== undefined) log.print(step, piece);
      }
      [after, hasMore] = [page.next, page.hasMore];
      signal.throwIfAborted();
    }
    for (const step of steps) {
      if (ended.has(step.number) || ["waiting", "running", "skipped"].includes(step.step.result)) continue;
      ended.add(step.number);
      log.end(step);
    }
    if (build.outcome !== "running") return;
    await pause(POLL_INTERVAL_MS, undefined, { signal });
  }
}

async function showLogs(api: ApiClient, name: string, options: LogsOptions, context: CommandContext): Promise<number> {
  const { io, painter } = context;
  const signal = io.interruption();
  const build = await api.builds.build(name);
  const log = new LogPrinter({ write: (text) => void io.stdout.write(text), keepsColours: painter.isColoured });
  if (options.follow === true && build.outcome === "running") {
    await follow(api, build, options.step, log, signal);
    return 0;
  }
  const steps = numbered(build).filter((step) => isNamed(step, options.step));
  if (options.step !== undefined && steps.length === 0) {
    const what = printable(options.step);
    throw new CommandError(`build ${shortRef(build.ref)} has no step ${what}; see memobuild builds inspect`);
  }
  await printSteps(api, build, steps, log);
  return 0;
}

export function addBuildsLogs(builds: Command, context: CommandContext): void {
  builds
    .command("logs")
    .description("print what the steps of a build printed, step by step")
    .argument("[build]", BUILD_NAME_HELP, LATEST_BUILD)
    .option("--step <step>", "only of this step: its number in `memobuild builds inspect`, or a part of its name")
    .option("-f, --follow", "of a build that runs, print what comes until it has ended")
    .action((name: string, options: LogsOptions) =>
      context.run(options, (api) => showLogs(api, name, options, context)),
    );
}
