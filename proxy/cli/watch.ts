/** `memobuild watch`: builds as they start, go on and end. */
import type { Command } from "commander";
import type { ApiClient } from "../http/api-client.js";
import { ApiError } from "../http/api-error.js";
import { BUILDS_LIMIT_MAX, EVENTS_WAIT_MAX_MS } from "../http/desk-messages.js";
import type { CommandContext } from "./command-context.js";
import { EXIT_INTERRUPTED } from "./exit-codes.js";
import { LiveView } from "./live-view.js";
import { type Format, formatOption } from "./option-parser.js";
import { PlainView } from "./plain-view.js";
import type { WithServer } from "./server-address.js";
import type { RunningBuild, WatchView } from "./watch-view.js";

interface WatchOptions extends WithServer {
  readonly format: Format;
}

/** More than these fit on few terminals. */
const DETAILED_MAX = 20;

function viewFor(format: Format, { io, painter }: CommandContext): WatchView {
  const write = (text: string): void => void io.stdout.write(text);
  if (format === "json") {
    return {
      reset: () => undefined,
      show: (event) => {
        write(`${JSON.stringify(event)}\n`);
      },
      close: () => undefined,
    };
  }
  return io.stdout.isTTY === true ? new LiveView(io, painter) : new PlainView(write, io.now);
}

const isGone = (error: unknown): boolean => error instanceof ApiError && error.code === "not_found";

/** A list does not say which steps run, and their next event may be far. */
async function runningBuilds({ builds }: ApiClient): Promise<readonly RunningBuild[]> {
  const listed = (await builds.list({ outcome: "running", limit: BUILDS_LIMIT_MAX })).builds;
  const detailed = listed.slice(0, DETAILED_MAX).map(async (build): Promise<RunningBuild> => {
    const { steps } = await builds.build(build.ref).catch((error: unknown) => {
      if (isGone(error)) return { steps: [] };
      throw error;
    });
    const running = steps.filter(({ result }) => result === "running");
    return { build, running: running.map(({ name, startedAtMs = build.startedAtMs }) => ({ name, startedAtMs })) };
  });
  return [...(await Promise.all(detailed)), ...listed.slice(DETAILED_MAX).map((build) => ({ build, running: [] }))];
}

/** Until the signal aborts: rejects with its reason then. */
async function follow(api: ApiClient, view: WatchView, signal: AbortSignal): Promise<never> {
  const { builds } = api;
  let isComplete = false;
  let page = await builds.eventsAfter(undefined, 0, signal);
  for (;;) {
    if (!isComplete || page.isReset) {
      view.reset(await runningBuilds(api));
      isComplete = true;
    }
    for (const event of page.events) view.show(event);
    page = await builds.eventsAfter(page.cursor, EVENTS_WAIT_MAX_MS, signal);
  }
}

async function watch(api: ApiClient, format: Format, context: CommandContext): Promise<number> {
  const signal = context.io.interruption();
  const view = viewFor(format, context);
  try {
    return await follow(api, view, signal);
  } catch (error) {
    // It has no other end.
    if (signal.aborted) return EXIT_INTERRUPTED;
    throw error;
  } finally {
    view.close();
  }
}

export function addWatch(program: Command, context: CommandContext): void {
  program
    .command("watch")
    .description("watch builds as they start, go on and end, until Ctrl-C")
    .addOption(formatOption())
    .addHelpText("after", "\nWith --format json, each line is one event.\n")
    .action((options: WatchOptions) => context.run(options, (api) => watch(api, options.format, context)));
}
