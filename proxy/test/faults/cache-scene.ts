/** A MemoBuild in front of a buildkitd, both to be killed, emptied and started again, and a small project to build. */
import { createHash, randomBytes } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import type { CacheAdmin, VerifyResult } from "../../cache/cache-admin.js";
import type { CacheIndex } from "../../cache/cache-index.js";
import { openSqliteIndex } from "../../cache/sqlite-index.js";
import { apiSocketPath } from "../../config/data-dir.js";
import { createApiClient } from "../../http/api-client.js";
import { createLogger } from "../../log/create-logger.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { BUSYBOX, runOk, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

/** Its layers, bottom first: busybox, its links, the input, and what was made of that. Each step says that it runs. */
const DOCKERFILE = `FROM scratch AS app
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox --install -s /bin; echo ran links"]
COPY input /input
RUN sha256sum < /input > /sum; echo ran sum
`;
const INPUT_BYTES = 2 << 20;

export interface BlobFile {
  readonly path: string;
  /** Hexadecimal, as the file is called. */
  readonly digest: string;
  readonly bytes: Buffer;
}

export const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export class CacheScene {
  readonly dir: string;
  readonly dataDir: string;
  readonly buildx: Buildx;
  readonly context: string;
  #daemon: Buildkitd;
  #memobuild: MemoBuild | undefined;
  #input: Buffer = Buffer.alloc(0);

  private constructor(dir: string, daemon: Buildkitd, buildx: Buildx) {
    this.dir = dir;
    this.dataDir = join(dir, "data");
    this.context = join(dir, "context");
    this.#daemon = daemon;
    this.buildx = buildx;
  }

  /** With a builder, and without a MemoBuild. */
  static async create(): Promise<CacheScene> {
    const dir = await makeTempDir("f");
    const daemon = await startBuildkitd(dir);
    const buildx = await createBuildx(join(dir, "client"), `unix://${join(dir, "farm.sock")}`);
    const scene = new CacheScene(dir, daemon, buildx);
    await mkdir(scene.context);
    await copyFile(BUSYBOX, join(scene.context, "busybox"));
    await writeFile(join(scene.context, "Dockerfile"), DOCKERFILE);
    await scene.changeInput();
    return scene;
  }

  get daemon(): Buildkitd {
    return this.#daemon;
  }

  get memobuild(): MemoBuild {
    if (this.#memobuild === undefined) throw new Error("MemoBuild does not run");
    return this.#memobuild;
  }

  get api(): CacheAdmin {
    return createApiClient({ socketPath: apiSocketPath(this.dataDir) }).cache;
  }

  get cacheDir(): string {
    return join(this.dataDir, "cache");
  }

  /** Resolves when the builder has proven that it reaches the cache. */
  async start(...args: string[]): Promise<MemoBuild> {
    const listen = ["--listen", `unix://${join(this.dir, "farm.sock")}`];
    const options = { builder: this.#daemon.address, dataDir: this.dataDir, args: [...listen, ...args] };
    this.#memobuild = await startMemoBuild(options);
    await this.#memobuild.logged("cache reachable");
    return this.#memobuild;
  }

  async stop(): Promise<void> {
    const stopped = this.#memobuild;
    this.#memobuild = undefined;
    await stopped?.stop();
  }

  async kill(): Promise<void> {
    const killed = this.memobuild;
    this.#memobuild = undefined;
    killed.signal("SIGKILL");
    await killed.exited;
    // Removes its files; that it died is known.
    await killed.stop().catch(() => undefined);
  }

  async killDaemon(): Promise<void> {
    process.kill(this.#daemon.pid, "SIGKILL");
    await this.#daemon.stop();
  }

  /** On the same socket, with the state that it had. */
  async startDaemon(): Promise<void> {
    await rm(join(this.dir, "tmp"), { recursive: true });
    this.#daemon = await startBuildkitd(this.dir);
  }

  /** Stops MemoBuild, and empties cache and builder. */
  async reset(): Promise<void> {
    await this.stop().finally(() => removeDir(this.dataDir));
    await this.emptyBuilder();
    await this.changeInput();
  }

  async close(): Promise<void> {
    await this.#daemon.stop();
    await removeDir(this.dir);
  }

  async changeInput(bytes: number = INPUT_BYTES): Promise<void> {
    this.#input = randomBytes(bytes);
    await writeFile(join(this.context, "input"), this.#input);
  }

  build(...args: string[]): Promise<Outcome> {
    return this.buildx.run(["build", ...args, this.context]);
  }

  /** Another Dockerfile with the same context. */
  buildDockerfile(dockerfile: string): Promise<Outcome> {
    return this.buildx.run(["build", "-f", "-", this.context], { input: dockerfile });
  }

  /** Builds, demands that it succeeds, waits until its export has ended, and returns which steps ran. */
  async buildAndExport(...args: string[]): Promise<string[]> {
    const { code, stderr } = await this.build(...args);
    expect(code, stderr).to.equal(0);
    await this.exported();
    return executed(stderr);
  }

  /** Builds an image, and checks each of its bytes. Returns which steps ran. */
  async buildImage(): Promise<string[]> {
    const { code, steps, stderr } = await this.tryImage();
    expect(code, stderr).to.equal(0);
    return steps;
  }

  /** The same where the build may fail. */
  async tryImage(): Promise<{ readonly code: number; readonly steps: string[]; readonly stderr: string }> {
    const image = join(this.dir, "image");
    try {
      const { code, stderr } = await this.build("-o", `type=oci,tar=false,dest=${image}`);
      if (code === 0) await this.#checkImage(image);
      await this.exported();
      return { code, steps: executed(stderr), stderr };
    } finally {
      await removeDir(image);
    }
  }

  /** Makes the builder forget all that it built. */
  async emptyBuilder(): Promise<void> {
    await runOk("buildctl", ["--addr", this.#daemon.address, "prune", "--all"]);
  }

  /** Resolves when no export is under way. */
  async exported(): Promise<void> {
    await poll(
      () => this.metric("memobuild_cache_export_jobs"),
      (jobs) => jobs === 0,
      { what: "all exports have ended", timeoutMs: 30_000 },
    );
  }

  /** Of the series with this name and these labels, as Prometheus writes it. */
  async metric(series: string): Promise<number> {
    const lines = (await this.memobuild.metrics()).split("\n");
    const line = lines.find((one) => one.startsWith(`${series} `));
    if (line === undefined) throw new Error(`there is no metric ${series}`);
    return Number(line.slice(series.length));
  }

  /** Resolves when it was proven that the builder reaches the registry. */
  async reachable(): Promise<void> {
    await poll(
      () => this.memobuild.metrics(),
      (metrics) => /^memobuild_cache_builder_reachable\{.*\} 1$/m.test(metrics),
      { what: "the builder reaches the registry", timeoutMs: 45_000, intervalMs: 100 },
    );
  }

  exports(result: string): Promise<number> {
    return this.metric(`memobuild_cache_exports_total{result="${result}"}`);
  }

  imports(result: string): Promise<number> {
    return this.metric(`memobuild_cache_imports_total{result="${result}"}`);
  }

  verify(): Promise<VerifyResult> {
    return this.api.verify(() => undefined, AbortSignal.timeout(30_000));
  }

  /** What is being written into the cache. */
  ingest(): Promise<string[]> {
    return readdir(join(this.cacheDir, "ingest"));
  }

  /** Resolves when nothing of what was being written is left; an upload that was ended goes a moment after its export. */
  async nothingLeft(): Promise<void> {
    await poll(
      () => this.ingest(),
      (files) => files.length === 0,
      { what: "no part of an upload is left", timeoutMs: 5_000 },
    );
  }

  async blobFiles(): Promise<BlobFile[]> {
    const blobs = join(this.cacheDir, "blobs", "sha256");
    const entries = await readdir(blobs, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(
      files.map(async ({ name, parentPath }) => {
        const path = join(parentPath, name);
        return { path, digest: name, bytes: await readFile(path) };
      }),
    );
  }

  /** The blob of the layer with the input: it has random bytes, which no compression makes smaller. */
  async inputBlob(): Promise<BlobFile> {
    const files = await this.blobFiles();
    const [found, ...others] = files.filter(({ bytes }) => bytes.length >= this.#input.length);
    if (found === undefined || others.length > 0) throw new Error("there is not one blob that may be the input's");
    return found;
  }

  /** Of a MemoBuild that does not run. */
  async withIndex<T>(use: (index: CacheIndex) => Promise<T>): Promise<T> {
    const logger = createLogger({ level: "error", format: "json", stream: { write: () => undefined } });
    const index = openSqliteIndex({ path: join(this.cacheDir, "index.db"), logger });
    try {
      return await use(index);
    } finally {
      await index.close();
    }
  }

  async #checkImage(image: string): Promise<void> {
    const blob = (digest: string): string => join(image, "blobs", "sha256", digest.replace("sha256:", ""));
    for (const name of await readdir(join(image, "blobs", "sha256"))) {
      expect(sha256Hex(await readFile(blob(name)))).to.equal(name);
    }
    const [manifest] = (JSON.parse(await readFile(join(image, "index.json"), "utf8")) as Index).manifests;
    const { layers } = JSON.parse(await readFile(blob(manifest?.digest ?? ""), "utf8")) as Manifest;
    const root = join(image, "root");
    await mkdir(root);
    for (const { digest } of layers) await runOk("tar", ["-xf", blob(digest), "-C", root]);
    expect((await readFile(join(root, "input"))).equals(this.#input)).to.equal(true);
    expect(await readFile(join(root, "sum"), "utf8")).to.equal(`${sha256Hex(this.#input)}  -\n`);
  }
}

interface Index {
  readonly manifests: readonly { readonly digest: string }[];
}

interface Manifest {
  readonly layers: readonly { readonly digest: string }[];
}

/** Plain progress does not show every step as cached that is: one whose layer is fetched looks as if it ran. */
const executed = (progress: string): string[] =>
  [...progress.matchAll(/^#\d+ \d+\.\d+ ran (\w+)$/gm)].flatMap(([, step]) => step ?? []).sort();

/**
 * The scene of a `describe` block, valid within tests only. Each test starts with an empty builder and an empty cache,
 * and without a MemoBuild.
 */
export function useCacheScene(): () => CacheScene {
  const current: { scene?: CacheScene } = {};
  before(async () => {
    current.scene = await CacheScene.create();
  });
  afterEach(() => current.scene?.reset());
  after(() => current.scene?.close());
  return () => {
    if (current.scene === undefined) throw new Error("the scene exists within tests only");
    return current.scene;
  };
}
