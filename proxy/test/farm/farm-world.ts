/** One MemoBuild in front of several real builders, and the clients that build through it. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { BuildSummary } from "../../builds/build-record.js";
import { apiSocketPath } from "../../config/data-dir.js";
import type { BuilderDesk } from "../../farm/builder-desk.js";
import { createApiClient, type ApiClient } from "../../http/api-client.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { Cleanups } from "../support/cleanups.js";
import { BUSYBOX, ROOT, run, type CommandOptions, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { readSeries, type Series } from "../support/series.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { TestBuilder } from "./test-builder.js";

const ENDED_TIMEOUT_MS = 30_000;
const LIST_MAX = 500;

export interface FarmWorldOptions {
  readonly builders: number;
  /** How many MemoBuild has besides, by its arguments. */
  readonly others?: number;
  /** More arguments of MemoBuild. */
  readonly args?: readonly string[];
}

export class FarmWorld {
  readonly dir: string;
  readonly builders: TestBuilder[];
  /** Those that MemoBuild is told of when it starts. */
  readonly #configured: readonly string[];
  readonly #args: readonly string[];
  readonly #clients: Buildx[] = [];
  #memoBuild: MemoBuild;

  private constructor(dir: string, builders: TestBuilder[], args: readonly string[], memoBuild: MemoBuild) {
    this.dir = dir;
    this.builders = builders;
    this.#configured = builders.map(({ address }) => address);
    this.#args = args;
    this.#memoBuild = memoBuild;
  }

  static async start({ builders: count, others = 0, args = [] }: FarmWorldOptions): Promise<FarmWorld> {
    const dir = await makeTempDir("f");
    await mkdir(join(dir, "tools"));
    await copyFile(BUSYBOX, join(dir, "tools/busybox"));
    const names = Array.from({ length: count }, (_, index) => `b${index}`);
    const builders = await startAll(names.map((name) => join(dir, name)));
    const addresses = builders.map(({ address }) => address);
    const world = new FarmWorld(dir, builders, args, await startFront(dir, addresses, args));
    await world.allUp(count + others);
    return world;
  }

  get memoBuild(): MemoBuild {
    return this.#memoBuild;
  }

  get api(): ApiClient {
    return createApiClient({ socketPath: apiSocketPath(join(this.dir, "data")) });
  }

  get desk(): BuilderDesk {
    return this.api.builders;
  }

  /** What clients connect to. */
  get endpoint(): string {
    return `unix://${join(this.dir, "m.sock")}`;
  }

  /** The n-th client, with a configuration of its own. */
  async client(index = 0): Promise<Buildx> {
    const made = this.#clients[index];
    if (made !== undefined) return made;
    const client = await createBuildx(join(this.dir, `client-${index}`), this.endpoint);
    this.#clients[index] = client;
    return client;
  }

  builderAt(address: string): TestBuilder {
    const builder = this.builders.find((other) => other.address === address);
    if (builder === undefined) throw new Error(`there is no builder at ${address}`);
    return builder;
  }

  /** Another daemon, which MemoBuild does not know yet. */
  async newBuilder(): Promise<TestBuilder> {
    const builder = await TestBuilder.start(join(this.dir, `b${this.builders.length}`));
    this.builders.push(builder);
    return builder;
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

  /** A build of the first client's that must succeed. */
  async build(context: string, ...args: string[]): Promise<Outcome> {
    const outcome = await (await this.client()).run(this.command(context, ...args));
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome;
  }

  /** Through MemoBuild. */
  buildctl(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
    return run("buildctl", ["--addr", this.endpoint, ...args], { cwd: this.dir, ...options });
  }

  /** The command line of MemoBuild itself. */
  memobuild(...args: string[]): Promise<Outcome> {
    const host = ["--host", `unix://${apiSocketPath(join(this.dir, "data"))}`];
    return run(join(ROOT, "bin/memobuild"), [...args, ...host]);
  }

  series(): Promise<Series> {
    return readSeries(this.#memoBuild);
  }

  /** All builds, the latest first, once none runs. */
  async ended(project?: string): Promise<readonly BuildSummary[]> {
    return poll(
      () => this.all(project),
      (builds) => builds.every(({ outcome }) => outcome !== "running"),
      { what: "all builds have ended", timeoutMs: ENDED_TIMEOUT_MS, intervalMs: 100 },
    );
  }

  async all(project?: string): Promise<readonly BuildSummary[]> {
    return (await this.api.builds.list({ limit: LIST_MAX, ...(project !== undefined && { project }) })).builds;
  }

  /** Where the latest build of the project ran, or runs. */
  async homeOf(project: string): Promise<string> {
    const [latest] = await this.all(project);
    return latest?.builder ?? "";
  }

  /** Resolves when so many builders take builds. */
  async allUp(count: number): Promise<void> {
    await poll(
      () => this.desk.report(),
      ({ builders }) => builders.filter(({ state }) => state === "up").length === count,
      { what: `${count} builders are up`, timeoutMs: ENDED_TIMEOUT_MS, intervalMs: 100 },
    );
  }

  /** Of MemoBuild, on the data that it left. */
  async restart(): Promise<void> {
    await this.#memoBuild.stop();
    this.#memoBuild = await startFront(this.dir, this.#configured, this.#args);
  }

  async stop(): Promise<void> {
    const cleanups = new Cleanups();
    cleanups.add(() => removeDir(this.dir));
    cleanups.add(() => Promise.all(this.builders.map((builder) => builder.stop())));
    cleanups.add(() => this.#memoBuild.stop());
    await cleanups.run();
  }
}

async function startFront(dir: string, builders: readonly string[], args: readonly string[]): Promise<MemoBuild> {
  const listen = ["--listen", `unix://${join(dir, "m.sock")}`, "--log-level", "debug"];
  const farm = builders.flatMap((address) => ["--builder", address]);
  return startMemoBuild({ dataDir: join(dir, "data"), args: [...listen, ...farm, ...args] });
}

/** Starts one before the tests of a `describe` block and stops it after; the result is valid within tests only. */
export function useFarmWorld(options: FarmWorldOptions): () => FarmWorld {
  const current: { world?: FarmWorld } = {};
  before(async () => {
    current.world = await FarmWorld.start(options);
  });
  after(async () => {
    await current.world?.stop();
  });
  return () => {
    if (current.world === undefined) throw new Error("the world exists within tests only");
    return current.world;
  };
}

/** All of them, or none. */
async function startAll(dirs: readonly string[]): Promise<TestBuilder[]> {
  const outcomes = await Promise.allSettled(dirs.map((dir) => TestBuilder.start(dir)));
  const started = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return started;
  await Promise.all(started.map((builder) => builder.stop()));
  throw failed.reason;
}
