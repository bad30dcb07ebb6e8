/** Runs a program to its end and keeps what it wrote; or starts one and hands out the means to wait for it and stop it. */
import { spawn, type ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { within } from "./poll.js";

export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));
const TOOLS = `${ROOT}.tools/bin`;
const DEBIAN = `${ROOT}.tools/debian/usr`;

/** The tools that `make tools` got come first, then what the machine has, then what was only unpacked for the tests. */
const searchPath = `${TOOLS}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:${DEBIAN}/bin:${DEBIAN}/sbin`;

export const BUSYBOX: string = `${TOOLS}/busybox`;

export interface Outcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export const keepOpen: unique symbol = Symbol("keep open");

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads, default nothing; `keepOpen` leaves its standard input to the caller. */
  readonly input?: string | Uint8Array | typeof keepOpen;
  readonly timeoutMs?: number;
}

export interface Running {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** What it wrote so far, both streams mixed. */
  output(): string;
  /** Sends a signal to it and to all that it started. */
  signal(name: NodeJS.Signals): void;
  /** Settles when it ended and closed its output. A death by signal counts as -1. */
  readonly exited: Promise<Outcome>;
  /** SIGTERM, then SIGKILL when that did not end it in time. */
  stop(withinMs?: number): Promise<Outcome>;
}

/** Both ends of a pipe may go first; what a reader that left did not read is of no interest. */
function feed(child: ChildProcess, input: string | Uint8Array | typeof keepOpen | undefined): void {
  child.stdin?.on("error", () => undefined);
  if (input !== keepOpen) child.stdin?.end(input ?? "");
}

/** Starts a program in a process group of its own, as a shell does, so that a signal reaches all of it. */
export function start(command: string, args: readonly string[], options: CommandOptions = {}): Running {
  const env = { ...process.env, PATH: searchPath, ...options.env };
  const child = spawn(command, args, { cwd: options.cwd, env, detached: true, stdio: "pipe" });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  const all: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => void (stdout.push(chunk), all.push(chunk)));
  child.stderr.on("data", (chunk: Buffer) => void (stderr.push(chunk), all.push(chunk)));
  feed(child, options.input);
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The whole group has ended already.
    }
  };
  const reap = (): void => {
    signal("SIGKILL");
  };
  process.once("exit", reap);
  const exited = new Promise<Outcome>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      process.removeListener("exit", reap);
      resolve({ code: code ?? -1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
  return {
    pid: child.pid ?? -1,
    stdin: child.stdin,
    stdout: child.stdout,
    output: () => Buffer.concat(all).toString(),
    signal,
    exited,
    stop: async (withinMs = 10_000) => {
      signal("SIGTERM");
      return within(exited, withinMs, `${command}'s end after SIGTERM`).catch(() => {
        signal("SIGKILL");
        return exited;
      });
    },
  };
}

/** Runs a program to its end. Never rejects for its exit code; does when it takes longer than a minute. */
export async function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const running = start(command, args, options);
  const limitMs = options.timeoutMs ?? 60_000;
  try {
    return await within(running.exited, limitMs, `${command} ${args.join(" ")}`);
  } catch (error) {
    running.signal("SIGKILL");
    throw new Error(`${String(error)}; it wrote:\n${running.output().slice(-4000)}`, { cause: error });
  }
}

/** Runs a program that must succeed, and returns what it wrote. */
export async function runOk(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stderr}${stdout.toString()}`);
  return stdout.toString();
}
