/** A builder that MemoBuild runs itself: a buildkitd process with all it needs in one folder, restarted when it dies. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, open, realpath, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { OptionName } from "../../config/options.js";
import { StartError } from "../../config/start-error.js";
import { unixPathProblem } from "../../config/unix-path.js";
import type { Logger } from "../../log/create-logger.js";
import type { Builder } from "../builder.js";
import { addressBuilder } from "../dial.js";
import { removeLeftovers } from "../leftovers.js";
import type { BuilderCgroup } from "./builder-cgroup.js";
import { findProgram, withSystemPath } from "./find-program.js";
import { gcArguments } from "./managed-builders.js";

const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 30_000;
/** One that ran this long was not broken from the start: the next restart is quick again. */
const STABLE_MS = 60_000;
const START_TIMEOUT_MS = 10_000;
const START_POLL_MS = 25;
/** buildkitd ends its builds before it exits; after this it is killed. */
const STOP_TIMEOUT_MS = 10_000;
/** Its last words are looked for in so much of its log. */
const LOG_TAIL_MAX_BYTES = 64 * 1024;

export interface BuilderProcessOptions {
  /** What asked for it, as users know it. */
  readonly option: OptionName;
  /** Program: a path, or a name to look up. */
  readonly buildkitd: string;
  /** For its state, socket, log and temporary files, beside other things. */
  readonly folder: string;
  /** What it prunes its state down to. */
  readonly keepBytes?: number | undefined;
  /** Of this builder alone; its owner makes it before the start. */
  readonly cgroup?: BuilderCgroup | undefined;
  /** Folders to look for programs in, in order. */
  readonly searchPath: readonly string[];
  /** The daemon's environment: proxies and OpenTelemetry are set there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

interface Running {
  readonly state: "running";
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
}

type State = { readonly state: "stopped" } | Running | { readonly state: "waiting"; readonly timer: NodeJS.Timeout };

/** All below the real path of the folder: that is what the system lists mounts by. */
interface Paths {
  readonly root: string;
  readonly tmpDir: string;
  readonly socket: string;
  /** Where its steps hand in their traces. */
  readonly otelSocket: string;
  readonly log: string;
  readonly config: string;
}

const pathsIn = (folder: string): Paths => ({
  root: join(folder, "buildkit"),
  tmpDir: join(folder, "tmp"),
  socket: join(folder, "buildkitd.sock"),
  otelSocket: join(folder, "otel.sock"),
  log: join(folder, "buildkitd.log"),
  config: join(folder, "buildkitd.toml"),
});

export class BuilderProcess {
  readonly #options: BuilderProcessOptions;
  #paths: Paths;
  #program = "";
  #state: State = { state: "stopped" };
  #restarting: Promise<void> = Promise.resolve();
  #restartMs = RESTART_MIN_MS;
  /** From then on there may be something to remove. */
  #mayLeaveTraces = false;
  #isClosing = false;

  constructor(options: BuilderProcessOptions) {
    this.#options = options;
    this.#paths = pathsIn(options.folder);
  }

  /** Once it has started. */
  get builder(): Builder {
    return addressBuilder({ kind: "unix", path: this.#paths.socket });
  }

  /** Of what BuildKit keeps; once it has started. */
  get stateDir(): string {
    return this.#paths.root;
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#state.state === "running" ? this.#state.child.pid : undefined;
  }

  /**
   * Starts the process and gives it a moment to listen; whether it answers is for the health check to see.
   *
   * @throws StartError
   */
  async start(): Promise<void> {
    const { cgroup, option } = this.#options;
    if (process.platform !== "linux") {
      throw new StartError(option, `BuildKit runs on Linux only, this is ${process.platform}: name a builder`);
    }
    if (process.getuid?.() !== 0) {
      throw new StartError(option, "the BuildKit that MemoBuild runs needs root: run as root, or name a builder");
    }
    await this.#resolvePaths();
    const problem = unixPathProblem(this.#paths.socket);
    if (problem !== undefined) throw new StartError("data-dir", problem);
    await this.#findPrograms();
    if (cgroup !== undefined) {
      // Else its containers would be in a group beside its own.
      await writeFile(this.#paths.config, `[worker.oci]\n  defaultCgroupParent = ${JSON.stringify(cgroup.path)}\n`);
    }
    this.#mayLeaveTraces = true;
    await this.#removeLeftovers();
    // buildkitd leaves sockets of ssh mounts behind in its folder for temporary files.
    await rm(this.#paths.tmpDir, { recursive: true, force: true });
    await mkdir(this.#paths.tmpDir, { recursive: true, mode: 0o700 });
    await this.#spawn();
    await this.#untilListening();
  }

  /** Ends the process, its containers and its mounts; without patience for builds once `hurry` aborts. */
  async close(hurry: AbortSignal): Promise<void> {
    this.#isClosing = true;
    if (this.#state.state === "waiting") clearTimeout(this.#state.timer);
    await this.#restarting;
    if (this.#state.state === "running") await this.#stop(this.#state, hurry);
    if (this.#mayLeaveTraces) await this.#removeLeftovers();
    await this.#options.cgroup?.remove();
  }

  async #findPrograms(): Promise<void> {
    const { buildkitd } = this.#options;
    const program = await findProgram(buildkitd, this.#searchPath());
    if (program === undefined) {
      const isPath = buildkitd.includes("/");
      const hint = `${buildkitd} is not in PATH: run make tools, or name a builder`;
      throw new StartError("buildkitd", isPath ? `cannot run ${buildkitd}` : hint);
    }
    this.#program = program;
    for (const runc of ["buildkit-runc", "runc"]) {
      if ((await findProgram(runc, this.#searchPath())) !== undefined) return;
    }
    const advice = "BuildKit runs containers with it; Debian has it in the package runc";
    throw new StartError("buildkitd", `runc is not in PATH: ${advice}`);
  }

  async #stop({ child, exited }: Running, hurry: AbortSignal): Promise<void> {
    const kill = (): void => {
      child.kill("SIGKILL");
    };
    const killTimer = setTimeout(kill, STOP_TIMEOUT_MS);
    hurry.addEventListener("abort", kill, { once: true });
    child.kill(hurry.aborted ? "SIGKILL" : "SIGTERM");
    await exited;
    clearTimeout(killTimer);
    hurry.removeEventListener("abort", kill);
  }

  async #resolvePaths(): Promise<void> {
    const { folder } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const paths = pathsIn(await realpath(folder));
    await mkdir(paths.root, { recursive: true, mode: 0o700 });
    this.#paths = { ...paths, root: await realpath(paths.root) };
  }

  /** By these a daemon that was left over is known, whatever stands before them. */
  #daemonArguments(): string[] {
    return ["--root", this.#paths.root, "--addr", `unix://${this.#paths.socket}`];
  }

  #settings(): string[] {
    const { cgroup, keepBytes } = this.#options;
    return [
      // Its default is one for all daemons of a machine, which then cannot start at the same time.
      ...["--otel-socket-path", this.#paths.otelSocket],
      ...(cgroup === undefined ? [] : ["--config", this.#paths.config]),
      ...gcArguments(keepBytes),
    ];
  }

  #removeLeftovers(): Promise<void> {
    return removeLeftovers(this.#paths.root, this.#paths.tmpDir, this.#daemonArguments());
  }

  /** Clients that come at once would be refused otherwise. */
  async #untilListening(): Promise<void> {
    const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
    const { builder } = this;
    while (!timeout.aborted && this.#state.state === "running") {
      const socket = await builder.dial(timeout).catch(() => undefined); // not yet
      socket?.destroy();
      if (socket !== undefined) return;
      await sleep(START_POLL_MS);
    }
  }

  async #spawn(): Promise<void> {
    await rename(this.#paths.log, `${this.#paths.log}.1`).catch(() => undefined); // there is none at the first start
    // Straight into a file: it is the daemon's own log, and tells what is built, so it stays out of ours.
    const log = await open(this.#paths.log, "a", 0o600);
    if (this.#isClosing) {
      await log.close();
      return;
    }
    const startedMs = performance.now();
    const child = spawn(this.#program, [...this.#settings(), ...this.#daemonArguments()], {
      stdio: ["ignore", log.fd, log.fd],
      // A group of its own: Ctrl-C in the terminal is for us, who let builds end first.
      detached: true,
      env: { ...this.#options.env, PATH: this.#searchPath().join(delimiter), TMPDIR: this.#paths.tmpDir },
    });
    const exited = new Promise<void>((resolve) => {
      child.once("error", () => {
        resolve();
      });
      child.once("exit", () => {
        resolve();
      });
    });
    this.#state = { state: "running", child, exited };
    this.#limit(child);
    await log.close();
    this.#options.logger.info({ buildkitdPid: child.pid, log: this.#paths.log }, "buildkitd started");
    void exited.then(() => this.#ended(performance.now() - startedMs));
  }

  /** One that cannot be limited does not run: it would take what the others were promised. */
  #limit(child: ChildProcess): void {
    const { cgroup, logger } = this.#options;
    if (cgroup === undefined || child.pid === undefined) return;
    try {
      cgroup.enter(child.pid);
    } catch (error) {
      logger.error({ cause: error instanceof Error ? error.message : String(error) }, "buildkitd cannot be limited");
      child.kill("SIGKILL");
    }
  }

  async #ended(ranMs: number): Promise<void> {
    this.#state = { state: "stopped" };
    const cause = await this.#lastWords();
    if (this.#isClosing) return;
    if (ranMs >= STABLE_MS) this.#restartMs = RESTART_MIN_MS;
    const delayMs = this.#restartMs;
    this.#restartMs = Math.min(delayMs * 2, RESTART_MAX_MS);
    this.#options.logger.error({ cause, log: this.#paths.log, restartInMs: delayMs }, "buildkitd ended");
    const timer = setTimeout(() => {
      this.#restarting = this.#restart();
    }, delayMs);
    this.#state = { state: "waiting", timer };
  }

  async #restart(): Promise<void> {
    try {
      await this.#removeLeftovers();
      if (!this.#isClosing) await this.#spawn();
    } catch (error) {
      this.#options.logger.error(
        { cause: error instanceof Error ? error.message : String(error) },
        "buildkitd cannot start",
      );
      await this.#ended(0);
    }
  }

  /** Why it ended, as far as it said; other lines may tell of builds and stay in its log. */
  async #lastWords(): Promise<string> {
    const tail = await readTail(this.#paths.log, LOG_TAIL_MAX_BYTES).catch(() => ""); // then it said nothing
    const last = tail.split("\n").findLast((line) => /^(buildkitd: |panic: |fatal error: )/.test(line));
    return last ?? "it did not say";
  }

  #searchPath(): readonly string[] {
    return withSystemPath(this.#options.searchPath);
  }
}

async function readTail(path: string, maxBytes: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - maxBytes);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.min(size, maxBytes)), position: start });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
