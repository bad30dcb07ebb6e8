/** `memobuild builders rm`: takes builders out of the farm, when their builds have ended. */
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import type { BuilderDetails } from "../farm/builder-desk.js";
import type { ApiClient } from "../http/api-client.js";
import { attempt } from "./attempt.js";
import { plural } from "./build-text.js";
import { BUILDER_ARGUMENT, BUILDER_NAME_HELP } from "./builder-text.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { confirm } from "./confirm.js";
import { EXIT_INTERRUPTED } from "./exit-codes.js";
import type { WithServer } from "./server-address.js";
import { printable } from "./table.js";

interface RmOptions extends WithServer {
  readonly force?: true;
  readonly yes?: true;
}

/** How often is asked for how many builds it waits. */
const WAITING_INTERVAL_MS = 1000;

const nameList = (builders: readonly BuilderDetails[]): string =>
  builders.map(({ name }) => printable(name)).join(", ");

function questionFor(builders: readonly BuilderDetails[], isForced: boolean): string {
  const running = builders.reduce((sum, { runningBuilds }) => sum + runningBuilds, 0);
  const own = builders.filter(({ origin }) => origin === "managed" || origin === "embedded");
  const sentences = [
    `WARNING! This removes ${nameList(builders)} from the farm.`,
    ...(own.length === 0 ? [] : [`What MemoBuild runs itself ends, with its state: ${nameList(own)}.`]),
    ...(running === 0 ? [] : [`${plural(running, "running build")} ${isForced ? "will fail" : "may end first"}.`]),
  ];
  return `${sentences.join(" ")} Continue?`;
}

/** Until `done` aborts. Rejects where it cannot be told, such as when the builder is gone. */
async function tellWaiting({ builders }: ApiClient, name: string, { stderr }: CliIo, done: AbortSignal): Promise<void> {
  let told = 0;
  while (!done.aborted) {
    const { runningBuilds } = await builders.inspect(name);
    if (runningBuilds !== told && runningBuilds > 0) {
      stderr.write(`${printable(name)}: waits for ${plural(runningBuilds, "running build")}; Ctrl-C stops waiting\n`);
    }
    told = runningBuilds;
    await pause(WAITING_INTERVAL_MS, undefined, { signal: done });
  }
}

async function removeOne(
  api: ApiClient,
  name: string,
  isForced: boolean,
  io: CliIo,
  signal: AbortSignal,
): Promise<number> {
  const done = new AbortController();
  const telling = isForced ? undefined : tellWaiting(api, name, io, done.signal);
  const told = telling?.catch(() => undefined); // the removal says what is wrong
  try {
    return await attempt(io, async () => {
      await api.builders.remove(name, { isForced }, signal);
      io.stdout.write(`${name}\n`);
    });
  } finally {
    done.abort();
    await told;
  }
}

/** All at once: each waits for its own builds. */
async function removeAll(api: ApiClient, names: readonly string[], isForced: boolean, io: CliIo, signal: AbortSignal) {
  const left = new Set(names);
  const removing = names.map(async (name) => {
    const code = await removeOne(api, name, isForced, io, signal);
    left.delete(name);
    return code;
  });
  try {
    return Math.max(...(await Promise.all(removing)));
  } catch (error) {
    if (!signal.aborted) throw error;
    const list = [...left].map(printable).join(", ");
    io.stderr.write(`memobuild: no longer waits; ${list} gets no builds until "memobuild builders undrain"\n`);
    return EXIT_INTERRUPTED;
  }
}

async function remove(api: ApiClient, names: readonly string[], options: RmOptions, io: CliIo): Promise<number> {
  const signal = io.interruption();
  const isForced = options.force === true;
  // Nothing goes where one of the names is wrong.
  const found = new Map<string, BuilderDetails>();
  for (const name of names) {
    const builder = await api.builders.inspect(name);
    found.set(builder.name, builder);
  }
  if (options.yes !== true && !(await confirm(questionFor([...found.values()], isForced), io, signal))) return 0;
  return removeAll(api, [...found.keys()], isForced, io, signal);
}

/** What commander does not check. */
function check({ yes }: RmOptions, command: Command, { stdin }: CliIo): void {
  if (yes !== true && stdin.isTTY !== true) {
    command.error("error: there is no terminal to confirm it at; give --yes");
  }
}

export function addBuildersRm(builders: Command, { io, run }: CommandContext): void {
  builders
    .command("rm")
    .description(
      "drain builders, wait until their builds have ended, and remove them; what MemoBuild runs itself goes with its state",
    )
    .argument(`<${BUILDER_ARGUMENT}...>`, BUILDER_NAME_HELP)
    .option("--force", "do not wait: the builds that run there fail")
    .option("-y, --yes", "do not ask")
    .action((names: readonly string[], options: RmOptions, command: Command) => {
      check(options, command, io);
      return run(options, (api) => remove(api, names, options, io));
    });
}
