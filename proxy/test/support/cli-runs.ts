/** Runs commands of `memobuild` in this process, against an API server or none, with a terminal or without. */
import { PassThrough } from "node:stream";
import { expect } from "chai";
import type { CliIo } from "../../cli/cli-io.js";
import { runCli } from "../../cli/run-cli.js";

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CliRuns {
  env: Record<string, string>;
  isTerminal = false;
  columns = 80;
  rows = 24;
  now: () => number;
  /** What is typed at the terminal. */
  typed: PassThrough = new PassThrough();
  /** Ctrl-C aborts. */
  interrupted: AbortController = new AbortController();
  /** What the run that began last has written so far. */
  stdout = "";
  stderr = "";

  constructor(env: Record<string, string>, now: () => number) {
    this.env = env;
    this.now = now;
  }

  async run(...argv: string[]): Promise<Run> {
    [this.stdout, this.stderr] = ["", ""];
    const terminal = { isTTY: this.isTerminal, columns: this.columns, rows: this.rows };
    const io: CliIo = {
      stdout: { write: (text) => (this.stdout += text), ...terminal },
      stderr: { write: (text) => (this.stderr += text), ...terminal },
      stdin: Object.assign(this.typed, { isTTY: this.isTerminal }),
      cwd: "/srv",
      readFile: () => "",
      now: () => this.now(),
      interruption: () => this.interrupted.signal,
    };
    const code = await runCli(argv, this.env, io, () => Promise.reject(new Error("serve was not asked for")));
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** What the command prints with `--format json`, which must go well. */
  async json(...argv: string[]): Promise<unknown> {
    const { stdout, ...rest } = await this.run(...argv, "--format", "json");
    expect(rest).to.deep.equal({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }
}
