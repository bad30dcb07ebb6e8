/** The farm as people see and manage it. */
import { setTimeout as delay } from "node:timers/promises";
import { BuilderError } from "./builder-desk.js";
import type {
  BuilderDesk,
  BuilderDetails,
  BuilderReport,
  FarmReport,
  RemoveOptions,
  UsageHistory,
} from "./builder-desk.js";
import type { BuildQueue } from "./build-queue.js";
import type { Farm } from "./farm.js";
import type { FarmMember } from "./farm-member.js";
import { settledWithin } from "./deadline.js";
import type { ManagedBuilders } from "./managed/managed-builders.js";
import type { ResourceMonitor } from "./resources/resource-monitor.js";
import { UsageLog } from "./usage-log.js";
import type { Warmth } from "./warmth.js";

const PROJECTS_TOLD_MAX = 20;
/** What who asks for builders waits for their health. */
const CHECK_WAIT_MS = 500;
/** How often it is looked whether a builder that is to be removed has finished. */
const IDLE_POLL_MS = 200;

export interface FarmDeskDeps {
  readonly farm: Farm;
  readonly queue: Pick<BuildQueue, "clientsOn" | "waiting">;
  readonly warmth: Pick<Warmth, "projectsOf">;
  readonly resources: Pick<ResourceMonitor, "usageOf" | "warningsOf" | "own" | "onSampled">;
  /** Those that MemoBuild runs itself; undefined where it runs none. */
  readonly managed: Pick<ManagedBuilders, "remove"> | undefined;
  /** May change. */
  readonly maxClients: number | undefined;
  /** By address. */
  readonly runningBuilds: (address: string) => number;
  /** Builds, and what goes on behind them, by address. */
  readonly isIdle: (address: string) => boolean;
  /** Ends what runs on the builder at that address. */
  readonly endBuilds: (address: string, cause: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export class FarmDesk implements BuilderDesk {
  readonly #deps: FarmDeskDeps;
  readonly #usageLog = new UsageLog();

  constructor(deps: FarmDeskDeps) {
    this.#deps = deps;
    deps.resources.onSampled(() => {
      this.#noteUsage();
    });
  }

  async report(): Promise<FarmReport> {
    const { farm, queue, resources } = this.#deps;
    // Who asks wants to know how they are now, and not to wait for those that are silent.
    await settledWithin(Promise.all(farm.builders.map((builder) => builder.check())), CHECK_WAIT_MS);
    return {
      builders: farm.builders.map((builder) => this.#reportOf(builder)),
      waitingBuilds: queue.waiting,
      memobuild: resources.own(),
    };
  }

  async inspect(name: string): Promise<BuilderDetails> {
    const builder = this.#find(name);
    await settledWithin(builder.check(), CHECK_WAIT_MS);
    const { health } = builder;
    const labels = "workers" in health ? health.workers.labels : {};
    return {
      ...this.#reportOf(builder),
      workerId: builder.workerId ?? "",
      labels,
      limitations: builder.abilities.limitations,
      projects: this.#deps.warmth.projectsOf(builder.address, PROJECTS_TOLD_MAX),
    };
  }

  usageHistory(): Promise<UsageHistory> {
    return Promise.resolve(this.#usageLog.history());
  }

  async add(address: string): Promise<BuilderReport> {
    const builder = this.#deps.farm.add(address);
    await settledWithin(builder.check(), CHECK_WAIT_MS);
    return this.#reportOf(builder);
  }

  drain(name: string): Promise<BuilderReport> {
    return settle(() => this.#reportOf(this.#deps.farm.drain(name)));
  }

  undrain(name: string): Promise<BuilderReport> {
    return settle(() => this.#reportOf(this.#deps.farm.undrain(name)));
  }

  async remove(name: string, { isForced }: RemoveOptions, signal: AbortSignal): Promise<void> {
    const { endBuilds, farm, isIdle, managed } = this.#deps;
    const builder = farm.removable(name);
    const { address, isDrained } = builder;
    farm.drain(name);
    if (isForced) endBuilds(address, "it was removed from the farm");
    while (!isForced && !isIdle(address)) await delay(IDLE_POLL_MS, undefined, { signal, ref: false });
    // Somebody else may have removed it meanwhile.
    if (farm.find(address) !== builder) return;
    try {
      farm.remove(name);
    } catch (error) {
      // The others have gone meanwhile, and somebody has to build.
      if (!isDrained) farm.undrain(name);
      throw error;
    }
    if (builder.origin === "managed" || builder.origin === "embedded") await managed?.remove(builder.name);
  }

  #noteUsage(): void {
    const { farm, now, queue, resources, runningBuilds } = this.#deps;
    const addresses = farm.builders.map(({ address }) => address);
    this.#usageLog.note({
      builders: new Map(farm.builders.map(({ address, name }) => [name, resources.usageOf(address)])),
      memobuild: resources.own(),
      load: {
        atMs: now(),
        runningBuilds: addresses.reduce((sum, address) => sum + runningBuilds(address), 0),
        waitingBuilds: queue.waiting,
      },
    });
  }

  #find(name: string): FarmMember {
    const builder = this.#deps.farm.find(name);
    if (builder === undefined) throw new BuilderError("unknown", `there is no builder ${name}`);
    return builder;
  }

  #reportOf(builder: FarmMember): BuilderReport {
    const { maxClients, queue, resources, runningBuilds } = this.#deps;
    const { address, health, isDraining, name, origin, resolvedFrom } = builder;
    const workers = "workers" in health ? health.workers : undefined;
    return {
      ...{ name, address, origin, isDraining, state: health.state, sinceMs: health.sinceMs },
      ...(resolvedFrom !== undefined && { resolvedFrom }),
      ...("cause" in health && { cause: health.cause }),
      version: workers?.version ?? "",
      platforms: workers?.platforms ?? [],
      runningBuilds: runningBuilds(address),
      clients: queue.clientsOn(address),
      ...(maxClients !== undefined && { maxClients }),
      usage: resources.usageOf(address),
      warnings: resources.warningsOf(address),
    };
  }
}

/** What throws at once, as a promise. */
async function settle<T>(run: () => T): Promise<T> {
  await Promise.resolve();
  return run();
}
