/** What each command runs in that speaks to a running MemoBuild. */
import type { Command } from "commander";
import type { Environment } from "../config/environment.js";
import { type ApiClient, createApiClient } from "../http/api-client.js";
import { ApiUnreachableError } from "../http/api-connection.js";
import { ApiError } from "../http/api-error.js";
import type { CliIo } from "./cli-io.js";
import type { Painter } from "./paint.js";
import { type ServerAddress, serverAddress, type WithServer } from "./server-address.js";

/** Resolves with the exit code. */
export type CommandWork = (api: ApiClient) => Promise<number>;

export interface CommandContext {
  readonly io: CliIo;
  /** For what goes to stdout. */
  readonly painter: Painter;
  readonly run: (options: WithServer, work: CommandWork) => Promise<void>;
}

/** Adds commands to the program, or to one of its groups. */
export type AddCommand = (parent: Command, context: CommandContext) => void;

/** A command that failed for a reason outside MemoBuild's code; the message is for people. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

function unreachable({ code, message }: ApiUnreachableError, { where, advice }: ServerAddress): string {
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `no MemoBuild ${where}: ${advice}`;
    case "EACCES":
    case "EPERM":
      return `the MemoBuild that ${where} belongs to another user: run this as that user`;
    case "ECONNRESET":
    case "EPIPE":
      return "MemoBuild went away before it answered";
    case undefined:
    default:
      return `cannot reach MemoBuild: ${message}`;
  }
}

/** @throws CommandError, ConfigError, and the reason of an interruption */
export async function withApi(options: WithServer, env: Environment, cwd: string, work: CommandWork): Promise<number> {
  const address = serverAddress(options, env, cwd);
  try {
    return await work(createApiClient(address.target));
  } catch (error) {
    if (error instanceof ApiUnreachableError) throw new CommandError(unreachable(error, address), { cause: error });
    if (error instanceof ApiError) throw new CommandError(error.message, { cause: error });
    throw error;
  }
}
