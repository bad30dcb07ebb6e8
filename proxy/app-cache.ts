/** Composition of the shared cache: from its configuration to running parts, and back in reverse order. */
import { setMaxListeners } from "node:events";
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { BuildMessages } from "./buildkit/build-messages.js";
import { BlobHealer } from "./cache/blob-healer.js";
import { BlobHolds } from "./cache/blob-holds.js";
import type { BlobStore } from "./cache/blob-store.js";
import { BuildOverlap } from "./cache/build-overlap.js";
import type { CacheAdmin } from "./cache/cache-admin.js";
import type { CacheIndex, EvictionReason, ExportSummary } from "./cache/cache-index.js";
import { CacheKeeper } from "./cache/cache-keeper.js";
import { CacheRegistry } from "./cache/cache-registry.js";
import { DiskBlobStore } from "./cache/disk-blob-store.js";
import { withHotBlobs } from "./cache/hot-blobs.js";
import { ImportMetrics } from "./cache/import-metrics.js";
import { Retention } from "./cache/retention.js";
import { RetentionMetrics } from "./cache/retention-metrics.js";
import { SharedCache } from "./cache/shared-cache.js";
import { SpaceGuard } from "./cache/space-guard.js";
import { SqliteIndex } from "./cache/sqlite-index.js";
import { verifyCache, type VerifyParts } from "./cache/verify-cache.js";
import type { CacheConfig } from "./config/config.js";
import type { OptionName } from "./config/options.js";
import type { LiveConfig } from "./config/runtime-settings.js";
import type { SqliteDatabase } from "./database/sqlite-database.js";
import { formatHostPort, type HostPort } from "./config/host-port.js";
import { StartError } from "./config/start-error.js";
import type { Builder } from "./farm/builder.js";
import type { FarmBuilder } from "./farm/farm-builder.js";
import { RegistryReaches } from "./farm/registry-reaches.js";
import type { RegistryProbe } from "./farm/registry-reach.js";
import type { Sharing } from "./intercept/client-builds.js";
import { ExportedBuilds } from "./intercept/exported-builds.js";
import type { Logger } from "./log/create-logger.js";
import { WriteBehind } from "./writeback/write-behind.js";
import { WriteBehindMetrics } from "./writeback/write-behind-metrics.js";

const GIB = 2 ** 30;
/** Defaults, and the part of the file system that they are at most. */
const SOFT_MAX = { bytes: 20 * GIB, diskShare: 1 / 10 };
const MIN_FREE = { bytes: GIB, diskShare: 1 / 20 };
const HARD_MAX_FACTOR = 1.25;
/** Options that limit what the cache keeps. */
const LIMITS: readonly string[] = [
  "cache-max-bytes",
  "cache-hard-max-bytes",
  "cache-min-free",
  "cache-max-age",
] satisfies OptionName[];
/** Manifests, configs and thin layers. */
const HOT_BLOBS = { maxBytes: 32 << 20, blobMaxBytes: 256 << 10 };

export interface AppCacheDeps {
  readonly settings: LiveConfig;
  /** Closed by its owner, after the cache. */
  readonly database: SqliteDatabase;
  readonly messages: BuildMessages;
  /** Told of exports that are gone. */
  readonly onEvicted: (exports: readonly ExportSummary[], reason: EvictionReason) => void;
  /** Whether that builder can import or export cache at all. */
  readonly canImport: (builder: Builder) => boolean;
  readonly canExport: (builder: Builder) => boolean;
  readonly registry: Registry;
  readonly logger: Logger;
}

type Close = (hurry: AbortSignal) => Promise<void>;

export interface AppCache {
  readonly admin: CacheAdmin;
  /** What builds that come now get from it, and give to it; undefined while it is off. */
  readonly sharing: () => Sharing | undefined;
  /** Exports that are pinned or under way. */
  readonly runningExports: () => number;
  /** The builder is in the farm, has come up, or has gone; when it is not in the farm any more, all of it is forgotten. */
  readonly builderAdded: (builder: FarmBuilder) => void;
  readonly builderUp: (builder: Builder) => void;
  readonly builderDown: (builder: Builder) => void;
  /** It did not even refuse a connection, nor answer. */
  readonly builderSilent: (builder: Builder) => void;
  readonly builderRemoved: (builder: Builder) => void;
  /** Builders reach this machine at that address: the registry listens there too. @throws StartError */
  readonly listenAt: (host: string) => Promise<void>;
  /** Exports that are pinned or under way on the builder at that address. */
  readonly exportsOn: (address: string) => number;
  /** Lets exports end until `hurry` aborts; builds may go on meanwhile, their builders must. */
  readonly drain: Close;
  /** Closes every part. @throws AggregateError */
  readonly close: () => Promise<void>;
}

/** @throws StartError; what was started until then is closed. */
export async function startCache(deps: AppCacheDeps): Promise<AppCache> {
  const closes: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (const part of closes.splice(0).reverse()) await part().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, "the cache did not close cleanly");
  };
  try {
    return { ...(await startParts(deps, closes)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(deps: AppCacheDeps, closes: (() => Promise<void>)[]): Promise<Omit<AppCache, "close">> {
  const { logger, registry, settings } = deps;
  const store = await startStore(deps, closes);
  const { cacheRegistry, index } = store;
  const address = await cacheRegistry.start();
  logger.info({ address: formatHostPort(address) }, "registry listening");
  const importMetrics = new ImportMetrics(registry);
  const cache = createSharedCache(deps, store, importMetrics);
  const reaches = createReaches(deps, { address, expectProbe: () => cacheRegistry.expectProbe() });
  closes.push(() => reaches.close());
  const writeBehind = createWriteBehind(deps);
  closes.push(() => writeBehind.drain(AbortSignal.abort()));
  const overlap = new BuildOverlap();
  closes.push(() => {
    overlap.close();
    return Promise.resolve();
  });
  const shared = {
    cache,
    canImport: deps.canImport,
    canExport: deps.canExport,
    registryAddress: (builder: Builder) => reaches.address(builder),
    overlap,
    exported: new ExportedBuilds(index),
    importMetrics,
  };
  return {
    sharing: () => {
      const { mode } = settings.config.cache;
      return mode === "off" ? undefined : { ...shared, writeBehind: mode === "on" ? writeBehind : undefined };
    },
    admin: new CacheKeeper({ ...store, now: monotonic }),
    runningExports: () => writeBehind.jobs,
    drain: (hurry) => writeBehind.drain(hurry),
    builderAdded: (builder) => {
      reaches.add(builder);
    },
    builderUp: (builder) => {
      reaches.builderUp(builder);
    },
    builderDown: (builder) => {
      reaches.builderDown(builder);
    },
    builderSilent: (builder) => {
      writeBehind.checkAlive(builder.address);
    },
    builderRemoved: (builder) => {
      reaches.forget(builder);
      writeBehind.dropBuilder(builder.address);
    },
    listenAt: (host) => cacheRegistry.alsoListen(host),
    exportsOn: (builder) => writeBehind.jobsOn(builder),
  };
}

function createWriteBehind({ logger, messages, registry, settings }: AppCacheDeps): WriteBehind {
  return new WriteBehind({
    messages,
    metrics: new WriteBehindMetrics(registry),
    logger,
    get exportTimeoutMs() {
      return settings.config.cache.exportTimeoutMs;
    },
    now: monotonic,
  });
}

function createSharedCache({ logger, settings }: AppCacheDeps, store: StoreParts, metrics: ImportMetrics): SharedCache {
  const { cacheRegistry, healer, retention, stopped } = store;
  return new SharedCache({
    ...store,
    registry: cacheRegistry,
    recheck: async (digest) => {
      await healer.recheck(digest, stopped);
    },
    onPublished: () => {
      retention.nudge();
    },
    metrics,
    logger,
    get maxRecords() {
      return settings.config.cache.maxRecords;
    },
    compression: settings.config.cache.compression,
    now: monotonic,
    wallClock: Date.now,
  });
}

interface StoreParts {
  readonly store: BlobStore;
  readonly index: CacheIndex;
  readonly holds: BlobHolds;
  readonly healer: BlobHealer;
  readonly space: SpaceGuard;
  readonly retention: Retention;
  readonly cacheRegistry: CacheRegistry;
  /** Aborts when the store is closed. */
  readonly stopped: AbortSignal;
}

/** Blobs, index, what keeps them, and the registry, which does not listen yet. */
async function startStore(
  { database, logger, onEvicted, registry, settings }: AppCacheDeps,
  closes: (() => Promise<void>)[],
): Promise<StoreParts> {
  const dir = join(settings.config.dataDir, "cache");
  const space = await createSpace(dir, settings);
  const disk = new DiskBlobStore({ dir, space });
  await disk.start();
  const store = withHotBlobs(disk, HOT_BLOBS);
  const index = new SqliteIndex(database);
  const holds = new BlobHolds();
  const metrics = new RetentionMetrics({ registry, levels: space, totals: () => index.totals() });
  const parts = { store, index, holds, metrics, logger, onEvicted, now: Date.now };
  const healer = new BlobHealer(parts);
  const retention = new Retention({
    ...{ ...parts, space, monotonicNow: monotonic },
    get maxAgeMs() {
      return settings.config.cache.maxAgeMs;
    },
  });
  const stopped = new AbortController();
  // Each blob that is read again waits for it.
  setMaxListeners(0, stopped.signal);
  // Behind the start: a large cache takes its time, and what is injected meanwhile is checked by itself.
  const checked = checkStore({ store, index, healer, now: monotonic }, logger, stopped.signal);
  closes.push(async () => {
    stopped.abort(new Error("the cache is being closed"));
    await Promise.all([checked, retention.close()]);
  });
  retention.start();
  settings.onChange((names) => {
    if (names.some((name) => LIMITS.includes(name))) retention.nudge();
  });
  const cacheRegistry = new CacheRegistry({
    address: settings.config.cache.registryListen,
    store,
    index,
    holds,
    registry,
    log: logger,
    now: Date.now,
    onNoSpace: (bytes) => {
      retention.nudge(bytes);
    },
  });
  closes.push(() => cacheRegistry.close());
  return { store, index, holds, healer, space, retention, cacheRegistry, stopped: stopped.signal };
}

async function checkStore(parts: VerifyParts, logger: Logger, signal: AbortSignal): Promise<void> {
  try {
    const result = await verifyCache(parts, { isThorough: false, isGentle: true, onProgress: () => undefined }, signal);
    if (result.missing + result.corrupt + result.adopted > 0) logger.warn(result, "cache healed");
  } catch (error) {
    if (signal.aborted) return;
    logger.error({ cause: error instanceof Error ? error.message : String(error) }, "cache not checked");
  }
}

async function createSpace(dir: string, settings: LiveConfig): Promise<SpaceGuard> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { blocks, bsize } = await statfs(dir);
    const ofDisk = ({ bytes, diskShare }: { bytes: number; diskShare: number }): number =>
      Math.min(bytes, Math.floor(blocks * bsize * diskShare));
    const softMax = ({ maxBytes }: CacheConfig): number => maxBytes ?? ofDisk(SOFT_MAX);
    return new SpaceGuard({
      dir,
      get softMaxBytes() {
        return softMax(settings.config.cache);
      },
      get hardMaxBytes() {
        const { cache } = settings.config;
        return cache.hardMaxBytes ?? Math.ceil(softMax(cache) * HARD_MAX_FACTOR);
      },
      get minFreeBytes() {
        return settings.config.cache.minFreeBytes ?? ofDisk(MIN_FREE);
      },
      now: monotonic,
    });
  } catch (error) {
    throw new StartError("data-dir", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function createReaches(
  { logger, messages, registry, settings }: AppCacheDeps,
  probed: { readonly address: HostPort; readonly expectProbe: () => RegistryProbe },
): RegistryReaches {
  const reachable = new Gauge({
    name: "memobuild_cache_builder_reachable",
    help: "Whether the builder was seen to reach the cache registry (1) or not (0).",
    labelNames: ["builder"],
    registers: [registry],
  });
  return new RegistryReaches({
    ...{ registry: probed, advertise: settings.config.cache.advertise, messages, logger, now: monotonic },
    onChange: (builder, isReachable) => {
      if (isReachable === undefined) reachable.remove({ builder });
      else reachable.set({ builder }, isReachable ? 1 : 0);
    },
  });
}

const monotonic = (): number => performance.now();
