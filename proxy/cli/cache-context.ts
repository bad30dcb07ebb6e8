/** What each `memobuild cache …` command runs in: the cache of the MemoBuild that its `--data-dir` names. */
import { resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { CacheAdmin } from "../cache/cache-admin.js";
import { ConfigError } from "../config/config-error.js";
import { apiSocketPath, defaultDataDir, NO_DATA_DIR } from "../config/data-dir.js";
import type { Environment } from "../config/environment.js";
import { environmentNameOf, flagOf } from "../config/options.js";
import { ApiError } from "../http/api-messages.js";
import { ApiUnreachableError, createApiClient } from "../http/api-client.js";
import type { CliIo } from "./cli-io.js";

export interface WithDataDir {
  readonly dataDir?: string;
}

/** Resolves with the exit code. */
export type CacheWork = (cache: CacheAdmin) => Promise<number>;

export interface CacheContext {
  readonly io: CliIo;
  readonly run: (options: WithDataDir, work: CacheWork) => Promise<void>;
}

/** A command that failed for a reason outside MemoBuild's code; the message is for people. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

export function parseDataDir(text: string): string {
  if (text === "") throw new InvalidArgumentError("It needs a value.");
  return text;
}

/** @throws ConfigError */
function dataDirOf({ dataDir }: WithDataDir, env: Environment, cwd: string): string {
  const fromEnvironment = env[environmentNameOf("data-dir")];
  const named = dataDir ?? (fromEnvironment === "" ? undefined : fromEnvironment) ?? defaultDataDir(env);
  if (named === undefined) throw new ConfigError([{ option: flagOf("data-dir"), message: NO_DATA_DIR }]);
  return resolve(cwd, named);
}

function unreachable({ code, message }: ApiUnreachableError, dataDir: string): string {
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return (
        `no MemoBuild runs on the data directory ${dataDir}: start it with "memobuild serve", ` +
        "or name the directory of the one that runs with --data-dir or MEMOBUILD_DATA_DIR"
      );
    case "EACCES":
    case "EPERM":
      return `the MemoBuild on the data directory ${dataDir} belongs to another user: run this as that user`;
    case "ECONNRESET":
    case "EPIPE":
      return "MemoBuild went away before it answered";
    case undefined:
    default:
      return `cannot reach MemoBuild: ${message}`;
  }
}

/** @throws CommandError, ConfigError, and the reason of an interruption */
export async function withCache(options: WithDataDir, env: Environment, cwd: string, work: CacheWork): Promise<number> {
  const dataDir = dataDirOf(options, env, cwd);
  try {
    return await work(createApiClient(apiSocketPath(dataDir)));
  } catch (error) {
    if (error instanceof ApiUnreachableError) throw new CommandError(unreachable(error, dataDir), { cause: error });
    if (error instanceof ApiError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
