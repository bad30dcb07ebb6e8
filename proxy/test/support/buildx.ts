/** Runs buildx and buildctl as a user does, with configuration directories of their own. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run, runOk, start, type CommandOptions, type Outcome, type Running } from "./command.js";
import { writeFiles } from "./temp-dir.js";

export interface Buildx {
  /** The directory that commands run in, empty at first. */
  readonly dir: string;
  /** Runs `buildx` with these arguments to its end. */
  run(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
  /** Starts `buildx` and leaves it running. */
  start(args: readonly string[], options?: CommandOptions): Running;
}

/** The same name in every configuration, so that what buildx prints about it is the same too. */
export const BUILDER = "farm";

/** Sets buildx up in `dir` with one remote builder at `endpoint` and makes it the current one. */
export async function createBuildx(
  dir: string,
  endpoint: string,
  driverOptions: readonly string[] = [],
): Promise<Buildx> {
  const cwd = join(dir, "work");
  const home = join(dir, "home");
  await mkdir(cwd, { recursive: true });
  // A fixed node id, which buildx puts into the keys of contexts: else provenance differs from one set-up to the other.
  await writeFiles(home, { "buildx/.buildNodeID": "0123456789abcdef" });
  const env = {
    ...{
      HOME: home,
      BUILDX_CONFIG: join(home, "buildx"),
      DOCKER_CONFIG: home,
      DOCKER_HOST: "unix:///nowhere/docker.sock",
    },
    // Provenance holds times and random ids; the tests that want it ask for it.
    ...{ BUILDX_NO_DEFAULT_ATTESTATIONS: "1", BUILDKIT_PROGRESS: "plain", NO_COLOR: "1" },
  };
  const withDefaults = (options: CommandOptions = {}): CommandOptions => ({
    cwd,
    ...options,
    env: { ...env, ...options.env },
  });
  const driver = driverOptions.flatMap((option) => ["--driver-opt", option]);
  await runOk(
    "buildx",
    ["create", "--name", BUILDER, "--use", "--driver", "remote", ...driver, endpoint],
    withDefaults(),
  );
  return {
    dir: cwd,
    run: (args, options) => run("buildx", args, withDefaults(options)),
    start: (args, options) => start("buildx", args, withDefaults(options)),
  };
}
