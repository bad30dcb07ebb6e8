/** One MemoBuild that records, in front of one buildkitd, and the clients that build through it. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { BuildEvent } from "../../builds/build-desk.js";
import type { BuildRecord, BuildSummary } from "../../builds/build-record.js";
import { apiSocketPath } from "../../config/data-dir.js";
import { createApiClient, type ApiClient, type BuildClient } from "../../http/api-client.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { Cleanups } from "../support/cleanups.js";
import { BUSYBOX, run, type CommandOptions, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { readSeries } from "../support/series.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const ENDED_TIMEOUT_MS = 30_000;
const LIST_MAX = 500;

export interface BuildsWorldOptions {
  /** More arguments of MemoBuild. */
  readonly args?: readonly string[];
  /** For MemoBuild. */
  readonly env?: Readonly<Record<string, string>>;
  /** For the builder. */
  readonly daemonEnv?: Readonly<Record<string, string>>;
  /** The data directory, default a fresh one. */
  readonly dataDir?: string;
}

export class BuildsWorld {
  readonly dir: string;
  readonly dataDir: string;
  readonly buildx: Buildx;
  readonly #options: BuildsWorldOptions;
  #daemon: Buildkitd;
  #memoBuild: MemoBuild;

  private constructor(
    dir: string,
    options: BuildsWorldOptions,
    daemon: Buildkitd,
    memoBuild: MemoBuild,
    buildx: Buildx,
  ) {
    this.dir = dir;
    this.dataDir = dataDirOf(dir, options);
    this.buildx = buildx;
    this.#options = options;
    this.#daemon = daemon;
    this.#memoBuild = memoBuild;
  }

  static async start(options: BuildsWorldOptions = {}): Promise<BuildsWorld> {
    const dir = await makeTempDir("r");
    await mkdir(join(dir, "tools"));
    await copyFile(BUSYBOX, join(dir, "tools/busybox"));
    const daemon = await startDaemon(dir, options);
    const memoBuild = await startFront(dir, daemon, options);
    const buildx = await createBuildx(join(dir, "client"), `unix://${join(dir, "m.sock")}`);
    return new BuildsWorld(dir, options, daemon, memoBuild, buildx);
  }

  get memoBuild(): MemoBuild {
    return this.#memoBuild;
  }

  get daemon(): Buildkitd {
    return this.#daemon;
  }

  get api(): ApiClient {
    return createApiClient({ socketPath: apiSocketPath(this.dataDir) });
  }

  get builds(): BuildClient {
    return this.api.builds;
  }

  /** Writes a context and returns its path; its last name is that of the project. */
  async context(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
    await writeFiles(join(this.dir, "contexts", name), files);
    return join(this.dir, "contexts", name);
  }

  /** The arguments of a build that uses `SHELL`. */
  command(context: string, ...args: string[]): string[] {
    return ["build", "--build-context", `tools=${join(this.dir, "tools")}`, ...args, context];
  }

  build(context: string, ...args: string[]): Promise<Outcome> {
    return this.buildx.run(this.command(context, ...args));
  }

  /** Through MemoBuild. */
  buildctl(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return run("buildctl", ["--addr", `unix://${join(this.dir, "m.sock")}`, ...args], { cwd: this.dir, ...options });
  }

  /** The arguments of a build of buildctl's that uses `SHELL`. */
  buildctlCommand(context: string, ...args: string[]): string[] {
    const locals = Object.entries({ context, dockerfile: context, tools: join(this.dir, "tools") });
    return [
      ...["build", "--frontend", "dockerfile.v0", "--opt", "context:tools=local:tools"],
      ...locals.flatMap(([name, path]) => ["--local", `${name}=${path}`]),
      ...args,
    ];
  }

  /** All builds, the latest first. */
  async all(): Promise<readonly BuildSummary[]> {
    return (await this.builds.list({ limit: LIST_MAX })).builds;
  }

  /** The only build that runs; waits for it. */
  async running(): Promise<BuildSummary> {
    const [build] = await poll(
      async () => (await this.builds.list({ limit: LIST_MAX, outcome: "running" })).builds,
      (builds) => builds.length === 1,
      { what: "one build runs" },
    );
    if (build === undefined) throw new Error("one build runs");
    return build;
  }

  /** What becomes of the builds that the action leads to: their records, once so many have ended, in that order. */
  async recorded(action: () => Promise<unknown>, count = 1): Promise<readonly BuildRecord[]> {
    const { cursor } = await this.builds.eventsAfter(undefined, 0);
    await action();
    return this.endedSince(cursor, count);
  }

  /** The record of the one build that the action leads to. */
  async recordOf(action: () => Promise<unknown>): Promise<BuildRecord> {
    const [record] = await this.recorded(action);
    if (record === undefined) throw new Error("there was a build");
    return record;
  }

  async endedSince(cursor: string, count: number): Promise<readonly BuildRecord[]> {
    const events = await poll(
      () => this.#eventsSince(cursor),
      (all) => all.filter(({ type }) => type === "ended").length >= count,
      { what: `${count} builds have ended`, timeoutMs: ENDED_TIMEOUT_MS },
    );
    const ended = events.filter(({ type }) => type === "ended");
    expect(ended, "builds that ended").to.have.length(count);
    return Promise.all(ended.map(({ build }) => this.builds.build(build.ref)));
  }

  /** Resolves when nothing is being exported to the shared cache. */
  async exported(): Promise<void> {
    await poll(
      () => readSeries(this.#memoBuild),
      (series) => series.get("memobuild_cache_export_jobs") === 0,
      { what: "all exports have ended", timeoutMs: ENDED_TIMEOUT_MS },
    );
  }

  /** Kills MemoBuild. */
  async kill(): Promise<void> {
    this.#memoBuild.signal("SIGKILL");
    await this.#memoBuild.exited;
    // Removes its files; that it died is known.
    await this.#memoBuild.stop().catch(() => undefined);
  }

  /** Starts MemoBuild on the data that another one left. */
  async startAgain(...args: string[]): Promise<void> {
    const more = [...(this.#options.args ?? []), ...args];
    this.#memoBuild = await startFront(this.dir, this.#daemon, { ...this.#options, args: more });
  }

  async restart(...args: string[]): Promise<void> {
    await this.#memoBuild.stop();
    await this.startAgain(...args);
  }

  /** Only while it runs nothing in a container: nobody else would take away its mounts. */
  async killDaemon(): Promise<void> {
    process.kill(this.#daemon.pid, "SIGKILL");
    await this.#daemon.stop();
  }

  /** With empty state. */
  async startDaemon(): Promise<void> {
    this.#daemon = await startDaemon(this.dir, this.#options);
  }

  async stop(): Promise<void> {
    const cleanups = new Cleanups();
    cleanups.add(() => removeDir(this.dir));
    cleanups.add(() => this.#daemon.stop());
    cleanups.add(() => this.#memoBuild.stop());
    await cleanups.run();
  }

  async #eventsSince(cursor: string): Promise<readonly BuildEvent[]> {
    const events: BuildEvent[] = [];
    for (let after = cursor; ;) {
      const page = await this.builds.eventsAfter(after, 0);
      events.push(...page.events);
      if (page.events.length === 0) return events;
      after = page.cursor;
    }
  }
}

const dataDirOf = (dir: string, { dataDir = join(dir, "data") }: BuildsWorldOptions): string => dataDir;

async function startDaemon(dir: string, { daemonEnv }: BuildsWorldOptions): Promise<Buildkitd> {
  await removeDir(join(dir, "b"));
  await mkdir(join(dir, "b"));
  return startBuildkitd(join(dir, "b"), undefined, daemonEnv);
}

async function startFront(dir: string, { address }: Buildkitd, options: BuildsWorldOptions): Promise<MemoBuild> {
  return startMemoBuild({
    builder: address,
    dataDir: dataDirOf(dir, options),
    args: ["--listen", `unix://${join(dir, "m.sock")}`, "--log-level", "trace", ...(options.args ?? [])],
    env: options.env ?? {},
  });
}

/** Starts one before the tests of a `describe` block and stops it after; the result is valid within tests only. */
export function useBuildsWorld(options?: BuildsWorldOptions): () => BuildsWorld {
  const current: { world?: BuildsWorld } = {};
  before(async () => {
    current.world = await BuildsWorld.start(options);
  });
  after(async () => {
    await current.world?.stop();
  });
  return () => {
    if (current.world === undefined) throw new Error("the world exists within tests only");
    return current.world;
  };
}
