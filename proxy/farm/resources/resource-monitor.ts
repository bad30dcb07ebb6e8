/** Knows what each builder and MemoBuild itself use, warns before a disk is full, and has builders prune by policy. */
import type { Registry } from "prom-client";
import type { DiskUsage, DiskUsageMessages } from "../../buildkit/disk-usage.js";
import type { Logger } from "../../log/create-logger.js";
import type { Builder } from "../builder.js";
import type { ResourceUsage } from "../builder-desk.js";
import { withDeadline } from "../deadline.js";
import { diskUsageOf, pruneBuilder } from "./builder-disk.js";
import { DISK_WARNING_KINDS, diskWarnings, type DiskWarnings } from "./disk-warnings.js";
import { ownUsage } from "./own-usage.js";
import { ResourceMetrics } from "./resource-metrics.js";
import { diskSpaceOf, UsageMeter } from "./usage-meter.js";
import type { UsageSource } from "./usage-source.js";

const SAMPLE_INTERVAL_MS = 10_000;
const SAMPLE_TIMEOUT_MS = 5_000;
const SAMPLE_TIMED_OUT = `no answer within ${SAMPLE_TIMEOUT_MS / 1_000} s`;
/** Measuring what it keeps is work for a builder. */
const DISK_USAGE_INTERVAL_MS = 60_000;

export interface MonitoredBuilder {
  readonly builder: Builder;
  /** One that does not answer is not asked what it keeps. */
  readonly isUp: boolean;
  /** Of one that runs on this machine. */
  readonly sample?: UsageSource | undefined;
  /** Of one whose state is on this machine. */
  readonly stateDir?: string | undefined;
}

export interface ResourceMonitorDeps {
  /** Those that there are now. */
  readonly builders: () => readonly MonitoredBuilder[];
  readonly messages: DiskUsageMessages;
  readonly dataDir: string;
  /** What MemoBuild keeps itself, and what it may. */
  readonly ownState: () => Promise<Pick<ResourceUsage, "stateBytes" | "stateLimitBytes">>;
  /** `--builder-keep-bytes`; may change. */
  readonly keepBytes?: number | undefined;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallNow: () => number;
}

interface Watched {
  readonly meter: UsageMeter;
  usage: ResourceUsage;
  warnings: DiskWarnings;
  state: DiskUsage | undefined;
  stateAskedAtMs: number;
  /** What it keeps, or to prune: one at a time. */
  isAsked: boolean;
}

export class ResourceMonitor {
  readonly #deps: ResourceMonitorDeps;
  readonly #metrics: ResourceMetrics;
  readonly #stopped = new AbortController();
  readonly #watched = new Map<string, Watched>();
  readonly #ownMeter = new UsageMeter();
  readonly #asking = new Set<Promise<void>>();
  #own: ResourceUsage;
  #timer: NodeJS.Timeout | undefined;
  #sampling: Promise<void> | undefined;
  #onSampled: () => void = () => undefined;

  constructor(deps: ResourceMonitorDeps) {
    this.#deps = deps;
    this.#metrics = new ResourceMetrics(deps.registry);
    this.#own = { sampledAtMs: deps.wallNow() };
  }

  start(): void {
    void this.sample();
    this.#timer = setInterval(() => {
      void this.sample();
    }, SAMPLE_INTERVAL_MS).unref();
  }

  /** Calls back each time that all were looked at; in place of who was called back before. */
  onSampled(listener: () => void): void {
    this.#onSampled = listener;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#sampling;
    await Promise.all(this.#asking);
  }

  /** @param address of a builder. */
  usageOf(address: string): ResourceUsage {
    return this.#watched.get(address)?.usage ?? { sampledAtMs: this.#deps.wallNow() };
  }

  own(): ResourceUsage {
    return this.#own;
  }

  /** Sentences for people. @param address of a builder. */
  warningsOf(address: string): readonly string[] {
    return Object.values(this.#watched.get(address)?.warnings ?? {});
  }

  /** Looks at all of them now, or waits for a look under way. Never rejects. */
  async sample(): Promise<void> {
    this.#sampling ??= this.#sampleAll().finally(() => {
      this.#sampling = undefined;
    });
    return this.#sampling;
  }

  async #sampleAll(): Promise<void> {
    const builders = this.#deps.builders();
    const addresses = new Set(builders.map(({ builder }) => builder.address));
    for (const address of this.#watched.keys()) if (!addresses.has(address)) this.#forget(address);
    await Promise.all([this.#sampleOwn(), ...builders.map((builder) => this.#sampleBuilder(builder))]);
    this.#onSampled();
  }

  async #sampleOwn(): Promise<void> {
    const { dataDir, now, ownState, wallNow } = this.#deps;
    const usage = this.#ownMeter.measure(await ownUsage(), now());
    const state = await ownState().catch(() => ({})); // the cache that is asked says itself why
    this.#own = { sampledAtMs: wallNow(), ...usage, ...(await diskSpaceOf(dataDir)), ...state };
  }

  async #sampleBuilder(monitored: MonitoredBuilder): Promise<void> {
    const { keepBytes, now, wallNow } = this.#deps;
    const { address } = monitored.builder;
    const watched = this.#watch(address);
    const source = monitored.sample ?? (() => Promise.resolve(undefined));
    const sample = await withDeadline(this.#stopped.signal, SAMPLE_TIMEOUT_MS, SAMPLE_TIMED_OUT, source).catch(
      () => undefined, // its health check tells what is wrong with it
    );
    const used = watched.meter.measure(sample, now());
    const disk = await diskSpaceOf(monitored.stateDir);
    if (this.#watched.get(address) !== watched) return;
    const state = { stateBytes: watched.state?.totalBytes, stateLimitBytes: keepBytes };
    watched.usage = { sampledAtMs: wallNow(), ...used, ...disk, ...state };
    this.#metrics.show(address, watched.usage);
    this.#warn(address, watched);
    if (monitored.isUp && now() - watched.stateAskedAtMs >= DISK_USAGE_INTERVAL_MS)
      this.#ask(monitored.builder, watched);
  }

  /** Once when it begins, and once more when it begins again. */
  #warn(address: string, watched: Watched): void {
    const warnings = diskWarnings(watched.usage);
    for (const kind of DISK_WARNING_KINDS) {
      const warning = warnings[kind];
      if (warning !== undefined && watched.warnings[kind] === undefined) {
        this.#deps.logger.warn({ builder: address, warning }, "builder nearly full");
      }
    }
    watched.warnings = warnings;
  }

  /** Behind the samples: it may take long. */
  #ask(builder: Builder, watched: Watched): void {
    if (watched.isAsked || this.#stopped.signal.aborted) return;
    watched.isAsked = true;
    watched.stateAskedAtMs = this.#deps.now();
    const asking = this.#measureState(builder, watched).finally(() => {
      watched.isAsked = false;
      this.#asking.delete(asking);
    });
    this.#asking.add(asking);
  }

  async #measureState(builder: Builder, watched: Watched): Promise<void> {
    const { keepBytes, logger, messages } = this.#deps;
    const { signal } = this.#stopped;
    try {
      watched.state = await diskUsageOf(builder, messages, signal);
    } catch (error) {
      watched.state = undefined;
      if (!signal.aborted) logger.debug({ builder: builder.address, cause: messageOf(error) }, "disk usage not known");
      return;
    }
    const { reclaimableBytes, unsharedBytes } = watched.state;
    if (keepBytes !== undefined && unsharedBytes > keepBytes && reclaimableBytes > 0) {
      await this.#prune(builder, keepBytes, watched);
    }
    this.#showState(builder.address, watched);
  }

  async #prune(builder: Builder, keepBytes: number, watched: Watched): Promise<void> {
    const { logger, messages } = this.#deps;
    const { signal } = this.#stopped;
    try {
      const freedBytes = await pruneBuilder(builder, keepBytes, messages, signal);
      this.#metrics.pruned("ok", freedBytes);
      logger.info({ builder: builder.address, keepBytes, freedBytes }, "builder pruned");
      watched.state = await diskUsageOf(builder, messages, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#metrics.pruned("error", 0);
      logger.warn({ builder: builder.address, cause: messageOf(error) }, "builder not pruned");
    }
  }

  #showState(address: string, watched: Watched): void {
    if (this.#watched.get(address) !== watched) return;
    watched.usage = { ...watched.usage, stateBytes: watched.state?.totalBytes };
    this.#metrics.show(address, watched.usage);
    this.#warn(address, watched);
  }

  #watch(address: string): Watched {
    const known = this.#watched.get(address);
    if (known !== undefined) return known;
    const watched: Watched = {
      meter: new UsageMeter(),
      usage: { sampledAtMs: this.#deps.wallNow() },
      warnings: {},
      state: undefined,
      stateAskedAtMs: -Infinity,
      isAsked: false,
    };
    this.#watched.set(address, watched);
    return watched;
  }

  #forget(address: string): void {
    this.#watched.delete(address);
    this.#metrics.remove(address);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
