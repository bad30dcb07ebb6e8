/** What the cache's benchmark runs against: one daemon, docker-registry, and a MemoBuild for each way to share a cache. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createApiClient } from "../proxy/http/api-client.js";
import { apiSocketPath } from "../proxy/config/data-dir.js";
import { createBuildx, type Buildx } from "../proxy/test/support/buildx.js";
import { BUSYBOX, runOk, start } from "../proxy/test/support/command.js";
import { freePort } from "../proxy/test/support/free-port.js";
import { startMemoBuild, type MemoBuild } from "../proxy/test/support/memobuild.js";
import { poll } from "../proxy/test/support/poll.js";
import { copyFile } from "node:fs/promises";
import { makeScratchDir, startDaemon } from "./world.js";

const EXPORT_LIMIT_MS = 180_000;
const REACHABLE_LIMIT_MS = 20_000;

/** One way to the daemon, by buildx. */
export interface CacheWay {
  readonly buildx: Buildx;
  /** Undefined for the daemon itself. */
  readonly memobuild: MemoBuild | undefined;
}

export interface CacheWorld {
  readonly dir: string;
  /** `127.0.0.1:PORT` of docker-registry. */
  readonly registry: string;
  way(name: string, args?: readonly string[]): Promise<CacheWay>;
  direct(): Promise<CacheWay>;
  /** Empties the daemon's cache. */
  wipeBuilder(): Promise<void>;
  close(): Promise<void>;
}

export async function createCacheWorld(): Promise<CacheWorld> {
  const dir = await makeScratchDir();
  const unix = `unix://${join(dir, "d.sock")}`;
  const daemon = await startDaemon(dir, { unix, tcp: `tcp://127.0.0.1:${await freePort()}` });
  const registry = await startRegistry(dir);
  const started: MemoBuild[] = [];
  const ways = new Map<string, CacheWay>();
  const direct = async (): Promise<CacheWay> => {
    const known = ways.get("direct");
    if (known !== undefined) return known;
    const way = { buildx: await createBuildx(await mkdtemp(join(dir, "direct-")), unix), memobuild: undefined };
    ways.set("direct", way);
    return way;
  };
  return {
    dir,
    registry: registry.host,
    direct,
    way: async (name, args = []) => {
      const known = ways.get(name);
      if (known !== undefined) return known;
      const memobuild = await startMemoBuild({ builder: unix, args, dataDir: join(dir, `data-${name}`) });
      started.push(memobuild);
      if (!args.includes("off")) await memobuild.logged("cache reachable", REACHABLE_LIMIT_MS);
      const buildx = await createBuildx(await mkdtemp(join(dir, `${name}-`)), `unix://${memobuild.unixSocket}`);
      const way = { buildx, memobuild };
      ways.set(name, way);
      return way;
    },
    wipeBuilder: async () => {
      // What an export still holds would stay.
      for (const memobuild of started) await untilNoExportRuns(memobuild);
      await runOk("buildctl", ["--addr", unix, "prune", "--all"]);
    },
    close: async () => {
      for (const memobuild of started) await memobuild.stop();
      await registry.stop();
      await daemon.stop(20_000);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function startRegistry(dir: string): Promise<{ readonly host: string; stop(): Promise<unknown> }> {
  const host = `127.0.0.1:${await freePort()}`;
  const file = join(dir, "registry.yml");
  const storage = `storage: {filesystem: {rootdirectory: ${join(dir, "registry")}}}`;
  await writeFile(
    file,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n${storage}\nhttp: {addr: "${host}"}\n`,
  );
  const server = start("docker-registry", ["serve", file]);
  const answers = (): Promise<boolean> =>
    fetch(`http://${host}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await poll(answers, Boolean, { what: "docker-registry answers" });
  return { host, stop: () => server.stop() };
}

export async function untilNoExportRuns(memobuild: MemoBuild): Promise<void> {
  // There is no such metric where the cache is off.
  const isIdle = async (): Promise<boolean> => !/^memobuild_cache_export_jobs [1-9]/m.test(await memobuild.metrics());
  await poll(isIdle, Boolean, { what: "no export runs", timeoutMs: EXPORT_LIMIT_MS, intervalMs: 20 });
}

/** Exports that were published since MemoBuild started. */
export async function publishedExports(memobuild: MemoBuild): Promise<number> {
  const line = /^memobuild_cache_exports_total\{result="published"\} (\d+)$/m.exec(await memobuild.metrics());
  return Number(line?.[1] ?? 0);
}

/** Resolves with the time in milliseconds until there is another one. */
export async function untilPublished(memobuild: MemoBuild, before: number): Promise<number> {
  const startedAt = performance.now();
  await poll(
    () => publishedExports(memobuild),
    (count) => count > before,
    {
      what: "the export is published",
      timeoutMs: EXPORT_LIMIT_MS,
      intervalMs: 20,
    },
  );
  return performance.now() - startedAt;
}

/** Removes all that it has. */
export async function wipeCache(memobuild: MemoBuild): Promise<void> {
  const { cache } = createApiClient({ socketPath: apiSocketPath(memobuild.dataDir) });
  await cache.prune({}, AbortSignal.timeout(60_000));
}

/**
 * Three stages that make about 620 MB: half of it random, half of it text. `SALT` makes every step another one.
 *
 * @returns the folder of the context.
 */
export async function writeLargeProject(dir: string): Promise<string> {
  const context = join(dir, "project");
  await mkdir(context, { recursive: true });
  await copyFile(BUSYBOX, join(context, "busybox"));
  const random = (name: string): string => `RUN /bin/busybox head -c 100000000 /dev/urandom >/${name}`;
  const text = (name: string): string => `RUN /bin/busybox seq 1 13000000 >/${name}`;
  const stage = (name: string, from: string): string[] => [
    ...[`FROM ${from} AS ${name}`, "ARG SALT"],
    ...[`RUN echo "$SALT" >/${name}`, random(`${name}-random`), text(`${name}-text`)],
  ];
  const dockerfile = [
    ...["FROM scratch AS base", "COPY busybox /bin/busybox", 'SHELL ["/bin/busybox", "sh", "-c"]'],
    ...[...stage("one", "base"), ...stage("two", "base"), ...stage("last", "base")],
    ...["COPY --from=one /one-text /", "COPY --from=two /two /"],
  ];
  await writeFile(join(context, "Dockerfile"), `${dockerfile.join("\n")}\n`);
  return context;
}
