/** Where MemoBuild keeps its state, and the socket in it under which the other commands find it. */
import { isAbsolute, join } from "node:path";
import type { Environment } from "./environment.js";

/**
 * The default, after the XDG base directory specification: a relative XDG_STATE_HOME does not count. Undefined where
 * there is no home either.
 */
export function defaultDataDir(env: Environment): string | undefined {
  const home = env["HOME"] ?? "";
  const state = env["XDG_STATE_HOME"] ?? "";
  if (isAbsolute(state)) return join(state, "memobuild");
  return isAbsolute(home) ? join(home, ".local/state/memobuild") : undefined;
}

export const NO_DATA_DIR = "needs a value, as neither XDG_STATE_HOME nor HOME is set";

export const apiSocketPath = (dataDir: string): string => join(dataDir, "api.sock");
