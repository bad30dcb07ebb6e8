/** Composition of the farm: from the configuration to builders that take builds, and back. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "prom-client";
import type { BuildMessages } from "./buildkit/build-messages.js";
import { loadDiskUsageMessages } from "./buildkit/disk-usage.js";
import { loadWorkersCodec } from "./buildkit/workers.js";
import type { LiveConfig } from "./config/runtime-settings.js";
import type { SqliteDatabase } from "./database/sqlite-database.js";
import { installationKey } from "./database/installation-key.js";
import { BuildQueue } from "./farm/build-queue.js";
import type { ResourceUsage } from "./farm/builder-desk.js";
import { createBuilderProbe } from "./farm/builder-probe.js";
import { systemClock } from "./farm/clock.js";
import { systemLookup } from "./farm/dns-builders.js";
import { Farm } from "./farm/farm.js";
import { isUp } from "./farm/farm-builder.js";
import { FarmMetrics } from "./farm/farm-metrics.js";
import { SqliteKeptBuilders } from "./farm/kept-builders.js";
import { BuilderProcess } from "./farm/managed/builder-process.js";
import type { ManagedBuilder, ManagedBuilders } from "./farm/managed/managed-builders.js";
import { ManagedProcesses } from "./farm/managed/managed-processes.js";
import { processUsage } from "./farm/resources/process-usage.js";
import { ResourceMonitor, type MonitoredBuilder } from "./farm/resources/resource-monitor.js";
import { Warmth } from "./farm/warmth.js";
import type { Logger } from "./log/create-logger.js";

/** Of the installation's key, enough to tell it from others. */
const INSTALLATION_CHARS = 12;

export interface AppFarmDeps {
  readonly settings: LiveConfig;
  readonly database: SqliteDatabase;
  readonly messages: BuildMessages;
  /** Nothing of builds goes on behind them on the builder at that address. */
  readonly isQuiet: (address: string) => boolean;
  /** What MemoBuild keeps itself, and what it may. */
  readonly ownState: () => Promise<Pick<ResourceUsage, "stateBytes" | "stateLimitBytes">>;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly searchPath: readonly string[];
  /** For child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface AppFarm {
  readonly farm: Farm;
  readonly queue: BuildQueue;
  readonly warmth: Warmth;
  readonly resources: ResourceMonitor;
  /** What MemoBuild runs itself. */
  readonly managed: Pick<ManagedBuilders, "remove"> | undefined;
  /** Nobody builds on the builder at that address. */
  readonly isIdle: (address: string) => boolean;
  /** @param listenAt has the cache registry listen where builders reach this machine. @throws StartError */
  readonly start: (listenAt: (host: string) => Promise<void>) => Promise<void>;
  readonly close: (hurry: AbortSignal) => Promise<void>;
}

export async function createFarm(deps: AppFarmDeps): Promise<AppFarm> {
  const { database, isQuiet, logger, messages, registry, settings } = deps;
  const { builders, dataDir, farm: configured } = settings.config;
  const warmth = new Warmth();
  const clock = systemClock;
  const farm = new Farm({
    addresses: builders,
    names: configured.names,
    minVersion: configured.minVersion,
    kept: new SqliteKeptBuilders(database),
    isIdle: (address) => isIdle(address),
    probe: createBuilderProbe(messages, await loadWorkersCodec()),
    lookup: systemLookup,
    ...{ registry, logger, clock },
  });
  const queue = createQueue(deps, farm, warmth);
  const isIdle = (address: string): boolean => queue.clientsOn(address) === 0 && isQuiet(address);
  /** Of those that run on this machine, by address. */
  const local = new Map<string, Pick<MonitoredBuilder, "sample" | "stateDir">>();
  const resources = new ResourceMonitor({
    builders: () => farm.builders.map((builder) => ({ builder, isUp: isUp(builder), ...local.get(builder.address) })),
    ownState: deps.ownState,
    messages: await loadDiskUsageMessages(),
    get keepBytes() {
      return settings.config.farm.keepBytes;
    },
    dataDir,
    ...{ registry, logger, now: () => clock.now(), wallNow: Date.now },
  });
  farm.onChange((event) => {
    const { address } = event.builder;
    if (event.type === "up" && event.builder.workerId !== undefined) warmth.workerIs(address, event.builder.workerId);
    if (event.type === "removed") warmth.forget(address);
    queue.placeAgain();
  });
  const own = await createOwn(deps);
  return {
    ...{ farm, queue, warmth, resources, isIdle, managed: own },
    start: async (listenAt) => {
      const started = await own.start();
      const hosts = new Set(started.flatMap(({ reachesUsAt }) => reachesUsAt ?? []));
      for (const host of hosts) await listenAt(host);
      for (const { builder, name, reachesUsAt, sample, stateDir } of started) {
        const origin = name === EMBEDDED ? "embedded" : "managed";
        local.set(builder.address, { sample, stateDir });
        farm.addManaged({ name, builder, reachesUsAt, origin });
      }
      farm.start();
      resources.start();
    },
    close: async (hurry) => {
      queue.close();
      await resources.close();
      await farm.close();
      await own.close(hurry);
    },
  };
}

function createQueue({ registry, settings }: AppFarmDeps, farm: Farm, warmth: Warmth): BuildQueue {
  const queue = new BuildQueue({
    ...{ farm, warmth, metrics: new FarmMetrics(registry) },
    get maxClients() {
      return settings.config.farm.maxClients;
    },
    get queueTimeoutMs() {
      return settings.config.farm.queueTimeoutMs;
    },
    now: () => systemClock.now(),
    wallClock: Date.now,
  });
  settings.onChange(() => {
    queue.placeAgain();
  });
  return queue;
}

const EMBEDDED = "embedded";

/** All that MemoBuild runs itself. */
async function createOwn(deps: AppFarmDeps): Promise<ManagedBuilders> {
  const managed = await createManaged(deps);
  const embedded = createEmbedded(deps);
  return {
    start: async () => [...(await startEmbedded(embedded)), ...((await managed?.start()) ?? [])],
    remove: async (name) => {
      if (name !== EMBEDDED) await managed?.remove(name);
      else if (embedded !== undefined) {
        await embedded.close(AbortSignal.abort());
        await rm(embedded.stateDir, { recursive: true, force: true });
      }
    },
    close: async (hurry) => {
      await managed?.close(hurry);
      await embedded?.close(hurry);
    },
  };
}

/** Where no builder is named, and none is managed. */
function createEmbedded({ settings, env, logger, searchPath }: AppFarmDeps): BuilderProcess | undefined {
  const { builders, buildkitd, dataDir, farm } = settings.config;
  if (builders.length + farm.names.length + farm.managed.count > 0) return undefined;
  return new BuilderProcess({
    ...{ buildkitd, env, logger, searchPath },
    option: "builder",
    folder: dataDir,
    keepBytes: farm.keepBytes,
  });
}

async function startEmbedded(embedded: BuilderProcess | undefined): Promise<readonly ManagedBuilder[]> {
  if (embedded === undefined) return [];
  await embedded.start();
  const { builder, stateDir } = embedded;
  return [{ name: EMBEDDED, builder, stateDir, sample: processUsage(() => embedded.pid, {}) }];
}

async function createManaged({
  settings,
  database,
  env,
  logger,
  searchPath,
}: AppFarmDeps): Promise<ManagedBuilders | undefined> {
  const { buildkitd, dataDir, farm } = settings.config;
  const { count, cpus, dockerSocket, image, memoryBytes } = farm.managed;
  const common = { count, folder: join(dataDir, "builders"), limits: { cpus, memoryBytes }, keepBytes: farm.keepBytes };
  if (dockerSocket !== undefined) {
    // What it is made of takes 26 MiB and a third of a second, which nobody else should pay for.
    const { ManagedContainers } = await import("./farm/managed/managed-containers.js");
    const installation = installationKey(database).toString("hex").slice(0, INSTALLATION_CHARS);
    return new ManagedContainers({ ...common, dockerSocket, image, installation, logger });
  }
  // What an earlier run built stays: an option that is left out must not throw it away.
  if (count === 0) return undefined;
  return new ManagedProcesses({ ...common, buildkitd, env, logger, searchPath });
}
