/** `memobuild builds rm`: removes the records of builds that have ended. */
import type { Command } from "commander";
import type { ApiClient } from "../http/api-client.js";
import { ApiError } from "../http/api-error.js";
import { BUILDS_LIMIT_MAX } from "../http/desk-messages.js";
import { BUILD_NAME_HELP, plural } from "./build-text.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { confirm } from "./confirm.js";
import { EXIT_FAILED } from "./exit-codes.js";
import type { WithServer } from "./server-address.js";

interface RmOptions extends WithServer {
  readonly all?: true;
  readonly force?: true;
}

/** Names such as ^2 mean other builds once one is gone, so that all are looked up first. */
async function refsOf({ builds }: ApiClient, names: readonly string[]): Promise<readonly string[]> {
  const refs: string[] = [];
  for (const name of names) refs.push((await builds.build(name)).ref);
  return [...new Set(refs)];
}

/** Those that are there go, also beside one that cannot. */
async function removeNamed({ builds }: ApiClient, refs: readonly string[], { stdout, stderr }: CliIo): Promise<number> {
  let exitCode = 0;
  for (const ref of refs) {
    try {
      await builds.remove(ref);
      stdout.write(`${ref}\n`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      stderr.write(`memobuild: ${error.message}\n`);
      exitCode = EXIT_FAILED;
    }
  }
  return exitCode;
}

async function endedRefs({ builds }: ApiClient): Promise<readonly string[]> {
  const refs: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await builds.list({ limit: BUILDS_LIMIT_MAX, cursor });
    refs.push(...page.builds.filter(({ outcome }) => outcome !== "running").map(({ ref }) => ref));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return refs;
}

async function removeAll(api: ApiClient, signal: AbortSignal, { stdout }: CliIo): Promise<number> {
  let removed = 0;
  for (const ref of await endedRefs(api)) {
    signal.throwIfAborted();
    removed += await api.builds.remove(ref);
  }
  stdout.write(`Removed: ${plural(removed, "build")}\n`);
  return 0;
}

async function remove(api: ApiClient, names: readonly string[], options: RmOptions, io: CliIo): Promise<number> {
  const signal = io.interruption();
  const refs = await refsOf(api, names);
  const what = options.all === true ? "all builds that have ended" : plural(refs.length, "build");
  const question = `WARNING! This removes the records of ${what}, logs included. The cache stays. Continue?`;
  if (options.force !== true && !(await confirm(question, io, signal))) return 0;
  return options.all === true ? removeAll(api, signal, io) : removeNamed(api, refs, io);
}

/** What commander does not check. */
function check(names: readonly string[], { all, force }: RmOptions, command: Command, { stdin }: CliIo): void {
  if (all === true && names.length > 0) command.error("error: give builds or --all, not both");
  if (all !== true && names.length === 0) command.error("error: name a build, or give --all");
  if (force !== true && stdin.isTTY !== true) {
    command.error("error: there is no terminal to confirm it at; give --force");
  }
}

export function addBuildsRm(builds: Command, { io, run }: CommandContext): void {
  builds
    .command("rm")
    .description("remove the records of builds that have ended, with their logs; the cache stays")
    .argument("[build...]", BUILD_NAME_HELP)
    .option("-a, --all", "all builds that have ended")
    .option("-f, --force", "do not ask")
    .action((names: readonly string[], options: RmOptions, command: Command) => {
      check(names, options, command, io);
      return run(options, (api) => remove(api, names, options, io));
    });
}
