/** Which MemoBuild a command speaks to: the one at `--host`, else the one on `--data-dir`. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { ConfigError } from "../config/config-error.js";
import { apiSocketPath, defaultDataDir, NO_DATA_DIR } from "../config/data-dir.js";
import type { Environment } from "../config/environment.js";
import { formatHostPort, parseHostPort } from "../config/host-port.js";
import { environmentNameOf, flagOf } from "../config/options.js";
import { unixPathProblem } from "../config/unix-path.js";
import type { ApiTarget } from "../http/api-connection.js";

export const HOST_VARIABLE = "MEMOBUILD_HOST";
const HOST_FLAG = "--host";
const MIN_PORT = 1;

export interface WithServer {
  readonly dataDir?: string;
  readonly host?: ApiTarget;
}

export interface ServerAddress {
  readonly target: ApiTarget;
  /** As people call it, such as "on the data directory /x". */
  readonly where: string;
  /** What else to try where nobody answers there. */
  readonly advice: string;
}

/** What is wrong with the text as an address of the API, or the address. */
function parseHost(text: string): ApiTarget | string {
  const [, scheme, rest = ""] = /^([a-z]+):\/\/(.*)$/s.exec(text) ?? [];
  if (scheme === "unix") return unixPathProblem(rest) ?? { socketPath: rest };
  if (scheme !== "tcp" && scheme !== "http") return `"${text}" is neither unix:///path nor tcp://host:port`;
  return parseHostPort(rest.replace(/\/$/, ""), MIN_PORT);
}

export function parseHostFlag(text: string): ApiTarget {
  const host = parseHost(text);
  if (typeof host === "string") throw new InvalidArgumentError(`${host}.`);
  return host;
}

function parseDataDir(text: string): string {
  if (text === "") throw new InvalidArgumentError("It needs a value.");
  return text;
}

/** Gives the command the flags that `WithServer` has. */
export function addServerOptions(command: Command): void {
  command
    .addOption(
      new Option("--data-dir <folder>", `of the running MemoBuild (env: ${environmentNameOf("data-dir")})`)
        .argParser(parseDataDir)
        .conflicts("host"),
    )
    .addOption(
      new Option(
        `${HOST_FLAG} <address>`,
        `of the running MemoBuild's API, instead of --data-dir: unix:///path or tcp://host:port (env: ${HOST_VARIABLE})`,
      ).argParser(parseHostFlag),
    );
}

function atHost(target: ApiTarget): ServerAddress {
  const address = "socketPath" in target ? `unix://${target.socketPath}` : `tcp://${formatHostPort(target)}`;
  const flag = "socketPath" in target ? "--api-socket" : "--api-listen";
  const advice = `start it there with "memobuild serve ${flag}", or name the one that runs with ${HOST_FLAG} or ${HOST_VARIABLE}`;
  return { target, where: `answers at ${address}`, advice };
}

/** An empty variable counts as not set. @throws ConfigError */
export function serverAddress(options: WithServer, env: Environment, cwd: string): ServerAddress {
  if (options.host !== undefined) return atHost(options.host);
  const hostText = env[HOST_VARIABLE] ?? "";
  if (options.dataDir === undefined && hostText !== "") {
    const host = parseHost(hostText);
    if (typeof host === "string") throw new ConfigError([{ option: HOST_VARIABLE, message: host }]);
    return atHost(host);
  }
  const fromEnvironment = env[environmentNameOf("data-dir")];
  const named = options.dataDir ?? (fromEnvironment === "" ? undefined : fromEnvironment) ?? defaultDataDir(env);
  if (named === undefined) throw new ConfigError([{ option: flagOf("data-dir"), message: NO_DATA_DIR }]);
  const dataDir = resolve(cwd, named);
  return {
    target: { socketPath: apiSocketPath(dataDir) },
    where: `runs on the data directory ${dataDir}`,
    advice:
      'start it with "memobuild serve", or name the one that runs with ' +
      `${flagOf("data-dir")} or ${environmentNameOf("data-dir")}, or by its address with ${HOST_FLAG}`,
  };
}
