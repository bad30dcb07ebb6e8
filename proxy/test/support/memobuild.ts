/** Runs the built `memobuild serve` as a child process for tests: own data directory, free ports, logs collected as JSON. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { poll, within } from "./poll.js";

const LAUNCHER = fileURLToPath(new URL("../../../bin/memobuild", import.meta.url));
const MAIN = fileURLToPath(new URL("../../../dist/main.js", import.meta.url));
const READY_MS = 30_000;
const EXIT_MS = 45_000;

export type LogLine = Readonly<Record<string, unknown>>;

export interface MemoBuildOptions {
  /** More arguments after `serve`; a `--listen` among them adds a listener, an `--http` replaces that address. */
  readonly args?: readonly string[];
  /** What `--builder` gets; without it MemoBuild starts its embedded builder. */
  readonly builder?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The data directory to use and keep; default is a fresh one, removed on stop. */
  readonly dataDir?: string;
}

export interface MemoBuild {
  readonly pid: number;
  readonly dataDir: string;
  /** Path of the unix socket listener, without a scheme. */
  readonly unixSocket: string;
  /** Address of the TCP listener as `tcp://127.0.0.1:PORT`. */
  readonly tcp: string;
  /** Address of metrics and health as `http://127.0.0.1:PORT`. */
  readonly http: string;
  logs(): readonly LogLine[];
  /** Resolves with the first log line of this event name, past ones included. */
  logged(event: string, timeoutMs?: number): Promise<LogLine>;
  metrics(): Promise<string>;
  /** Sends a signal and returns at once; `exited` tells the rest. */
  signal(name: NodeJS.Signals): void;
  /** Settles with the exit code; a death by signal counts as 128 plus nothing known, so -1. */
  readonly exited: Promise<number>;
  /** SIGTERM, wait, clean up. Rejects when the exit code is not 0 or standard error held anything but log lines. */
  stop(): Promise<number>;
}

interface Output {
  readonly lines: LogLine[];
  readonly stray: string[];
}

/** The command line that runs the built product. */
export function memoBuildCommand(args: readonly string[]): readonly [string, string[]] {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run "npm run build" first`);
  const node = dirname(process.env["MEMOBUILD_TEST_NODE"] ?? process.execPath);
  // Each program replaces the one before, so that signals reach the last.
  return ["env", [`PATH=${node}${delimiter}${process.env["PATH"] ?? ""}`, LAUNCHER, ...args]];
}

function collect(child: ChildProcess): Output {
  const output: Output = { lines: [], stray: [] };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      try {
        output.lines.push(JSON.parse(line) as LogLine);
      } catch {
        output.stray.push(line);
      }
    });
  }
  return output;
}

function report(what: string, { lines, stray }: Output): Error {
  const tail = [...lines.slice(-20).map((line) => JSON.stringify(line)), ...stray.slice(-40)].join("\n");
  return new Error(`${what}; its output ends with:\n${tail}`);
}

function address(lines: readonly LogLine[], event: string, prefix: string): string | undefined {
  const found = lines.find(({ msg, address }) => msg === event && String(address).startsWith(prefix));
  return found === undefined ? undefined : String(found["address"]);
}

/** Starts MemoBuild and waits until it says "ready"; rejects with its output when it does not. */
export async function startMemoBuild(options: MemoBuildOptions = {}): Promise<MemoBuild> {
  const scratch = await mkdtemp(join(tmpdir(), "memobuild-test-"));
  const dataDir = options.dataDir ?? join(scratch, "data");
  const unixSocket = join(scratch, "m.sock");
  const [command, args] = memoBuildCommand([
    "serve",
    ...["--listen", `unix://${unixSocket}`, "--listen", "tcp://127.0.0.1:0"],
    ...(options.args?.includes("--http") === true ? [] : ["--http", "127.0.0.1:0"]),
    ...["--data-dir", dataDir, "--log-format", "json"],
    ...(options.builder === undefined ? [] : ["--builder", options.builder]),
    ...(options.args ?? []),
  ]);
  const child = spawn(command, args, { env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  // A test runner that dies must not leave the product behind.
  const reap = (): void => void child.kill("SIGKILL");
  process.once("exit", reap);
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      process.removeListener("exit", reap);
      resolve(code ?? -1);
    });
  });
  const output = collect(child);
  const isLogged = (event: string): boolean => output.lines.some(({ msg }) => msg === event);
  const cleanUp = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const died = exited.then((code) => {
      throw report(`memobuild ended with ${code} before it was ready`, output);
    });
    const ready = poll(() => isLogged("ready"), Boolean, { what: 'log line "ready"', timeoutMs: READY_MS });
    await Promise.race([ready, died]);
  } catch (error) {
    child.kill("SIGKILL");
    await cleanUp();
    throw error instanceof Error && error.message.startsWith("memobuild ended")
      ? error
      : report(`memobuild did not start: ${String(error)}`, output);
  }
  const http = address(output.lines, "http listening", "http://") ?? "";
  return {
    pid: child.pid ?? -1,
    dataDir,
    unixSocket,
    tcp: address(output.lines, "listening", "tcp://") ?? "",
    http,
    exited,
    logs: () => output.lines,
    logged: async (event, timeoutMs = 10_000) => {
      const find = (): LogLine | undefined => output.lines.find(({ msg }) => msg === event);
      const line = await poll(find, (found) => found !== undefined, { what: `log line "${event}"`, timeoutMs });
      return line ?? {};
    },
    metrics: async () => (await fetch(`${http}/metrics`)).text(),
    signal: (name) => void child.kill(name),
    stop: async () => {
      child.kill("SIGTERM");
      try {
        const code = await within(exited, EXIT_MS, "memobuild's exit after SIGTERM");
        if (code !== 0) throw report(`memobuild ended with ${code}`, output);
        if (output.stray.length > 0) throw report("memobuild wrote lines that are not JSON", output);
        return code;
      } finally {
        child.kill("SIGKILL");
        await cleanUp();
      }
    },
  };
}
