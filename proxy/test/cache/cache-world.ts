/** One MemoBuild with its cache, and behind it one builder after the other, each with empty state. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { CacheAdmin } from "../../cache/cache-admin.js";
import type { ExportSummary } from "../../cache/cache-index.js";
import { createApiClient } from "../../http/api-client.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { Cleanups } from "../support/cleanups.js";
import { BUSYBOX, type CommandOptions, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { growth, readSeries, type Series } from "../support/series.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { expectNoMarkers } from "../system/markers.js";

const EXPORT_TIMEOUT_MS = 30_000;
const BUILDER_TIMEOUT_MS = 30_000;
const EXPORTS = "memobuild_cache_exports_total";
const JOBS = "memobuild_cache_export_jobs";

/** How exports ended, and how often; nothing where there were none. */
export type Exports = Readonly<Record<string, number>>;

export class CacheWorld {
  readonly dir: string;
  /** A client of MemoBuild. */
  readonly buildx: Buildx;
  #daemon: Buildkitd;
  #memoBuild: MemoBuild;

  private constructor(dir: string, daemon: Buildkitd, memoBuild: MemoBuild, buildx: Buildx) {
    this.dir = dir;
    this.buildx = buildx;
    this.#daemon = daemon;
    this.#memoBuild = memoBuild;
  }

  static async start(...args: string[]): Promise<CacheWorld> {
    const dir = await makeTempDir("c");
    await mkdir(join(dir, "tools"));
    await copyFile(BUSYBOX, join(dir, "tools/busybox"));
    const daemon = await startDaemon(dir);
    const memoBuild = await startFront(dir, daemon.address, args);
    const buildx = await createBuildx(join(dir, "client"), `unix://${join(dir, "m.sock")}`);
    const world = new CacheWorld(dir, daemon, memoBuild, buildx);
    await world.#reachable();
    return world;
  }

  /** What builders are called here; each but another one is at the same address. */
  get builder(): string {
    return this.#daemon.address;
  }

  get memoBuild(): MemoBuild {
    return this.#memoBuild;
  }

  get api(): CacheAdmin {
    return createApiClient({ socketPath: join(this.dir, "data/api.sock") }).cache;
  }

  async series(): Promise<Series> {
    return readSeries(this.#memoBuild);
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

  /** A build that must succeed. */
  async build(context: string, args: readonly string[] = [], options?: CommandOptions): Promise<Outcome> {
    const outcome = await this.buildx.run(this.command(context, ...args), options);
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome;
  }

  /** Does it, and waits until so many exports have ended and none is under way. */
  async exportsOf(action: () => Promise<unknown>, count = 1): Promise<Exports> {
    const before = await poll(() => this.series(), hasNoJobs, { what: "the exports of before have ended" });
    await action();
    return this.exportsSince(before, count);
  }

  async exportsSince(before: Series, count = 1): Promise<Exports> {
    const after = await poll(
      () => this.series(),
      (now) => total(growth(before, now, EXPORTS)) >= count && hasNoJobs(now),
      { what: `${count} exports ended`, timeoutMs: EXPORT_TIMEOUT_MS, intervalMs: 50 },
    );
    return growth(before, after, EXPORTS);
  }

  /** Builds it, and waits until its cache is complete. */
  async publish(context: string, args: readonly string[] = []): Promise<Outcome> {
    const built: Outcome[] = [];
    const exports = await this.exportsOf(async () => built.push(await this.build(context, args)));
    expect(exports).to.deep.equal({ published: 1 });
    const [outcome] = built;
    if (outcome === undefined) throw new Error("there was a build");
    return outcome;
  }

  /** All exports in the index, the latest first. */
  async exports(): Promise<readonly ExportSummary[]> {
    const exports = await this.api.list({ limit: 1000 });
    return [...exports].sort((a, b) => b.createdAtMs - a.createdAtMs || b.id - a.id);
  }

  /** Puts an empty builder into the place of the one that runs. */
  async emptyBuilder(): Promise<void> {
    await this.#daemon.stop();
    await this.#ready(503);
    this.#daemon = await startDaemon(this.dir);
    await this.#reachable();
  }

  /** Starts MemoBuild anew on the same data, with a new and empty builder. */
  async restart(...args: string[]): Promise<void> {
    await this.#memoBuild.stop();
    await this.#daemon.stop();
    this.#daemon = await startDaemon(this.dir);
    this.#memoBuild = await startFront(this.dir, this.builder, args);
    await this.#reachable();
  }

  /** Starts MemoBuild anew on the same data, with a new builder at another address. */
  async otherBuilder(...args: string[]): Promise<void> {
    await this.#memoBuild.stop();
    await this.#daemon.stop();
    this.#daemon = await startDaemon(this.dir, "other");
    this.#memoBuild = await startFront(this.dir, this.builder, args);
    await this.#reachable();
  }

  async stop(): Promise<void> {
    const cleanups = new Cleanups();
    cleanups.add(() => removeDir(this.dir));
    cleanups.add(() => this.#daemon.stop());
    cleanups.add(() => this.#memoBuild.stop());
    cleanups.add(() => expectNoMarkers(this.#memoBuild));
    await cleanups.run();
  }

  async #ready(wanted: number): Promise<void> {
    const status = async (): Promise<number> => (await fetch(`${this.#memoBuild.http}/readyz`)).status;
    await poll(status, (now) => now === wanted, {
      what: `readyz answers ${wanted}`,
      timeoutMs: BUILDER_TIMEOUT_MS,
      intervalMs: 100,
    });
  }

  /** Until the builder was seen to reach the registry, or not to; at once where there is no registry. */
  async #reachable(): Promise<void> {
    await this.#ready(200);
    const gauge = `memobuild_cache_builder_reachable{builder="${this.builder}"}`;
    const isKnown = (now: Series): boolean => now.get(gauge) !== 0 || this.#isUnreachable();
    await poll(() => this.series(), isKnown, {
      what: "the builder reaches the registry",
      timeoutMs: BUILDER_TIMEOUT_MS,
    });
  }

  #isUnreachable(): boolean {
    return this.#memoBuild.logs().some(({ msg }) => msg === "cache not reachable");
  }
}

/** True where there is no cache, too. */
const hasNoJobs = (now: Series): boolean => (now.get(JOBS) ?? 0) === 0;
const total = (exports: Exports): number => Object.values(exports).reduce((sum, count) => sum + count, 0);

async function startDaemon(dir: string, name = "b"): Promise<Buildkitd> {
  await removeDir(join(dir, name));
  await mkdir(join(dir, name));
  return startBuildkitd(join(dir, name));
}

async function startFront(dir: string, builder: string, args: readonly string[]): Promise<MemoBuild> {
  return startMemoBuild({
    builder,
    dataDir: join(dir, "data"),
    args: ["--listen", `unix://${join(dir, "m.sock")}`, "--log-level", "trace", ...args],
  });
}

/** Starts one before the tests of a `describe` block and stops it after; the result is valid within tests only. */
export function useCacheWorld(...args: string[]): () => CacheWorld {
  const current: { world?: CacheWorld } = {};
  before(async () => {
    current.world = await CacheWorld.start(...args);
  });
  after(async () => {
    await current.world?.stop();
  });
  return () => {
    if (current.world === undefined) throw new Error("the world exists within tests only");
    return current.world;
  };
}
