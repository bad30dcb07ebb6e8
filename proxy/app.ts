/** Composition root: from a configuration to running parts, and back in reverse order. */
import { mkdir, rmdir } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { openAppDatabase, startBuilds, type AppBuilds } from "./app-builds.js";
import { startCache, type AppCache, type AppCacheDeps } from "./app-cache.js";
import { loadBuildMessages } from "./buildkit/build-messages.js";
import { loadDefinitionReader } from "./buildkit/definition.js";
import { LIST_WORKERS_PATH } from "./buildkit/methods.js";
import { loadWorkersCodec } from "./buildkit/workers.js";
import type { Config } from "./config/config.js";
import { formatListenAddress } from "./config/listen-address.js";
import { StartError } from "./config/start-error.js";
import { packageVersion } from "./cli/package-version.js";
import type { Builder } from "./farm/builder.js";
import { addressBuilder } from "./farm/dial.js";
import { withBuilderClient } from "./farm/with-builder-client.js";
import { EmbeddedBuilder } from "./farm/embedded-builder.js";
import { HealthMonitor } from "./farm/health.js";
import { BuildInterceptor } from "./intercept/build-interceptor.js";
import { Guard } from "./intercept/guard.js";
import type { Interceptor } from "./relay/interception.js";
import type { BuilderReport, StatusReport } from "./http/status-messages.js";
import { createApiServer } from "./http/api-server.js";
import { createHttpServer } from "./http/create-http-server.js";
import type { Readiness } from "./http/create-http-server.js";
import type { Logger } from "./log/create-logger.js";
import { listenOn } from "./relay/listen.js";
import { RelayMetrics } from "./relay/relay-metrics.js";
import { RelayServer } from "./relay/relay-server.js";

export interface AppEnvironment {
  readonly logger: Logger;
  /** Folders to look for programs in. */
  readonly searchPath: readonly string[];
  /** For child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const EMPTY_MESSAGE = new Uint8Array();

type Close = (hurry: AbortSignal) => Promise<void>;

export class App {
  readonly #config: Config;
  readonly #environment: AppEnvironment;
  readonly #registry = new Registry();
  /** How to close what runs, in the order in which it was started. */
  readonly #running: Close[] = [];
  #relay: RelayServer | undefined;
  #cache: AppCache | undefined;
  #apiAddresses: readonly string[] = [];
  #httpAddress = "";
  readonly #startedAtMs: number = Date.now();
  #hasStarted = false;
  #isClosing = false;

  constructor(config: Config, environment: AppEnvironment) {
    this.#config = config;
    this.#environment = environment;
  }

  /** Starts all parts. What was started when it fails is for `close`. @throws StartError */
  async start(): Promise<void> {
    const { logger } = this.#environment;
    await this.#lockDataDir();
    const { builder, embedded } = this.#chooseBuilder();
    const health = await this.#createHealth(builder);
    // What a wrong option stops comes first, so that it leaves nothing behind.
    await this.#startHttp(builder, health);
    const createInterceptor = await this.#startBuilds(builder, health);
    const now = (): number => performance.now();
    this.#relay = new RelayServer({
      listen: this.#config.listen,
      tls: this.#config.tls,
      builder,
      metrics: new RelayMetrics(this.#registry, now),
      logger,
      createInterceptor,
      now,
    });
    await this.#run(this.#relay, (relay) => relay.start());
    if (embedded !== undefined) await this.#run(embedded, () => embedded.start());
    await this.#run(health, () => {
      health.start();
      return undefined;
    });
    this.#hasStarted = true;
    logger.info("ready");
  }

  /**
   * Lets running calls end, until `hurry` aborts, then closes every part, even when one fails.
   *
   * @throws AggregateError of what could not be closed.
   */
  async close(hurry: AbortSignal): Promise<void> {
    this.#isClosing = true;
    const failures: unknown[] = [];
    await this.#relay?.drain(hurry);
    await this.#cache?.drain(hurry);
    for (const close of this.#running.splice(0).reverse()) {
      await close(hurry).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, "not every part closed cleanly");
  }

  async #run<T extends { close: Close }>(part: T, start: (part: T) => Promise<unknown> | undefined): Promise<void> {
    this.#running.push((hurry) => part.close(hurry));
    await start(part);
  }

  /** Two processes on one data directory would end each other's builder. A socket is a lock that ends with its holder. */
  async #lockDataDir(): Promise<void> {
    const { dataDir } = this.#config;
    const lock = net.createServer((socket) => socket.destroy());
    let created: string | undefined;
    try {
      created = await mkdir(dataDir, { recursive: true, mode: 0o700 });
      await listenOn(lock, { kind: "unix", path: join(dataDir, "lock.sock") });
    } catch (error) {
      const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
      const reason = error instanceof Error ? error.message : String(error);
      throw new StartError("data-dir", isTaken ? `another memobuild uses ${dataDir}` : reason, { cause: error });
    }
    this.#running.push(async () => {
      await new Promise((resolve) => lock.close(resolve));
      // A start that failed leaves no folder that it made, unless there is something in it.
      if (created !== undefined && !this.#hasStarted) await rmdir(dataDir).catch(() => undefined);
    });
  }

  #chooseBuilder(): { readonly builder: Builder; readonly embedded?: EmbeddedBuilder } {
    const { buildkitd, builders, dataDir } = this.#config;
    const { env, logger, searchPath } = this.#environment;
    const [address, ...further] = builders;
    if (further.length > 0) throw new StartError("builder", "this version uses one builder; name it once");
    if (address !== undefined) return { builder: addressBuilder(address) };
    const embedded = new EmbeddedBuilder({ buildkitd, dataDir, env, logger, searchPath });
    return { builder: embedded.builder, embedded };
  }

  async #createHealth(builder: Builder): Promise<HealthMonitor> {
    const up = new Gauge({
      name: "memobuild_builder_up",
      help: "Whether the builder answers (1) or not (0).",
      labelNames: ["builder"],
      registers: [this.#registry],
    });
    up.set({ builder: builder.address }, 0);
    // Its default of 10 ms would wake an idle process a hundred times a second.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 });
    const decodeWorkers = await loadWorkersCodec();
    return new HealthMonitor({
      address: builder.address,
      listWorkers: (signal) =>
        withBuilderClient(builder, signal, async (client) =>
          decodeWorkers(await client.unary(LIST_WORKERS_PATH, EMPTY_MESSAGE, { signal })),
        ),
      onChange: (changed) => {
        up.set({ builder: builder.address }, changed.state === "up" ? 1 : 0);
        this.#cache?.builderHealth(changed);
      },
      logger: this.#environment.logger,
      now: () => performance.now(),
    });
  }

  /** Records builds, and shares their cache where that is on. Returns what looks into each client's calls. */
  async #startBuilds(builder: Builder, health: HealthMonitor): Promise<() => Interceptor> {
    const { cache: config, dataDir, history } = this.#config;
    const { logger } = this.#environment;
    const registry = this.#registry;
    const database = await openAppDatabase(dataDir, logger);
    this.#running.push(() => {
      database.close();
      return Promise.resolve();
    });
    const [messages, readDefinition] = await Promise.all([loadBuildMessages(), loadDefinitionReader()]);
    const worker = async (): Promise<string | undefined> => {
      const now = await health.check();
      return now.state === "up" && now.workers.id !== "" ? now.workers.id : undefined;
    };
    const builds = await startBuilds({ config: history, database, builder, worker, messages, registry, logger });
    this.#running.push(() => builds.close());
    if (config.mode !== "off") {
      const onEvicted: AppCacheDeps["onEvicted"] = (exports, reason) => {
        builds.noteRemoval(
          exports.map(({ ref }) => ref),
          reason,
        );
      };
      const cache = await startCache({ config, dataDir, database, builder, messages, onEvicted, registry, logger });
      this.#cache = cache;
      this.#running.push(() => cache.close());
    }
    await this.#startApi(builder, health, builds);
    const { hashKey, recorder } = builds;
    const parts = { builder, sharing: this.#cache?.sharing, recorder, hashKey, messages, readDefinition };
    const guard = new Guard(registry, logger);
    return () => new BuildInterceptor({ ...parts, guard, now: () => performance.now() });
  }

  async #startApi(builder: Builder, health: HealthMonitor, { desk, recorder }: AppBuilds): Promise<void> {
    const { apiListen, apiSocket } = this.#config;
    const builders = async (): Promise<readonly BuilderReport[]> => {
      const now = await health.check();
      const cause = now.state === "down" ? { cause: now.cause } : {};
      return [{ address: builder.address, state: now.state, ...cause, runningBuilds: recorder.running }];
    };
    const api = createApiServer({
      listeners: [{ path: apiSocket }, ...(apiListen === undefined ? [] : [apiListen])],
      cache: this.#cache?.admin,
      builds: desk,
      status: async () => this.#status(recorder.running, await builders()),
      builders,
      log: this.#environment.logger,
      now: Date.now,
    });
    await this.#run(api, async () => {
      this.#apiAddresses = await api.start();
    });
  }

  async #status(runningBuilds: number, builders: readonly BuilderReport[]): Promise<StatusReport> {
    const usage = await this.#cache?.admin.usage();
    return {
      version: packageVersion(),
      startedAtMs: this.#startedAtMs,
      uptimeMs: Date.now() - this.#startedAtMs,
      isDraining: this.#isClosing,
      listen: this.#config.listen.map(formatListenAddress),
      api: this.#apiAddresses,
      http: this.#httpAddress,
      cacheMode: this.#config.cache.mode,
      ...(usage !== undefined && { cacheBytes: usage.storeBytes, cacheMaxBytes: usage.softMaxBytes }),
      runningBuilds,
      runningExports: this.#cache?.runningExports() ?? 0,
      builders,
    };
  }

  async #startHttp(builder: Builder, health: HealthMonitor): Promise<void> {
    const { logger } = this.#environment;
    const readiness = async (): Promise<Readiness> => {
      const now = await health.check();
      const cause = now.state === "down" ? { cause: now.cause } : {};
      const isUp = now.state === "up";
      // A load balancer should send no more clients to a process that is about to stop.
      return { ready: isUp && !this.#isClosing, builders: [{ address: builder.address, up: isUp, ...cause }] };
    };
    const http = createHttpServer({ address: this.#config.http, registry: this.#registry, log: logger, readiness });
    await this.#run(http, async () => {
      const bound = await http.start();
      this.#httpAddress = bound.address;
      logger.info(bound, "http listening");
    });
  }
}
