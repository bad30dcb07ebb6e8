/** What the command line touches of the world: handed in, so that tests hand in something else. */
import type { Readable } from "node:stream";
import type { ConfigSources } from "../config/load-config.js";

/** Where the CLI writes; process.stdout and process.stderr are two. */
export interface Output {
  write(text: string): unknown;
  /** Of a terminal. */
  readonly columns?: number;
  readonly rows?: number;
  readonly isTTY?: boolean;
}

export interface Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** process.stdin is one. */
export type Input = Readable & { readonly isTTY?: boolean };

export interface CliIo extends Outputs, Pick<ConfigSources, "cwd" | "readFile"> {
  readonly stdin: Input;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From the call on, Ctrl-C aborts the signal instead of ending the process. */
  readonly interruption: () => AbortSignal;
}
