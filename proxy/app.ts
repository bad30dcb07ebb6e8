/** Composition root: from a configuration to running parts, and back in reverse order. */
import { mkdir, rmdir } from "node:fs/promises";
import type { RequestListener } from "node:http";
import net from "node:net";
import { join } from "node:path";
import { collectDefaultMetrics, Registry } from "prom-client";
import { openAppDatabase, startBuilds, type AppBuilds } from "./app-builds.js";
import { startCache, type AppCache, type AppCacheDeps } from "./app-cache.js";
import { createFarm, type AppFarm, type AppFarmDeps } from "./app-farm.js";
import { loadBuildMessages, type BuildMessages } from "./buildkit/build-messages.js";
import { loadDefinitionReader } from "./buildkit/definition.js";
import { loadHistoryMessages } from "./buildkit/history-messages.js";
import type { BuildDesk } from "./builds/build-desk.js";
import type { BuildSummary } from "./builds/build-record.js";
import { packageVersion } from "./cli/package-version.js";
import type { Config } from "./config/config.js";
import { configOf, type Configured } from "./config/load-config.js";
import { RuntimeSettings } from "./config/runtime-settings.js";
import { StartError } from "./config/start-error.js";
import { SqliteKeptSettings } from "./database/kept-settings.js";
import type { SqliteDatabase } from "./database/sqlite-database.js";
import type { Builder } from "./farm/builder.js";
import type { BuildQueue } from "./farm/build-queue.js";
import type { BuilderReport } from "./farm/builder-desk.js";
import type { Farm } from "./farm/farm.js";
import { settledWithin } from "./farm/deadline.js";
import { FarmDesk } from "./farm/farm-desk.js";
import type { Warmth } from "./farm/warmth.js";
import { createApiServer } from "./http/api-server.js";
import { keepPageToken } from "./http/page-token.js";
import { createHttpServer } from "./http/create-http-server.js";
import type { HttpServer, HttpServerBound, Readiness } from "./http/create-http-server.js";
import { reportMetrics } from "./http/metrics-report.js";
import type { StatusReport } from "./http/status-messages.js";
import { BuildInterceptor } from "./intercept/build-interceptor.js";
import { Guard } from "./intercept/guard.js";
import { readSolveWith, scopeOf } from "./intercept/read-solve.js";
import type { LeveledLogger } from "./log/create-logger.js";
import { acrossFarm } from "./relay/across/across-farm.js";
import { WhereIs } from "./relay/across/where-is.js";
import { listenOn } from "./relay/listen.js";
import { RelayMetrics } from "./relay/relay-metrics.js";
import { RelayServer } from "./relay/relay-server.js";

export interface AppEnvironment {
  readonly logger: LeveledLogger;
  /** Folders to look for programs in. */
  readonly searchPath: readonly string[];
  /** For child processes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What who asks whether we are ready waits for the builders. */
const CHECK_WAIT_MS = 500;
/** Of the history, from the latest on: what was built before hardly matters to where a build goes now. */
const WARMING_BUILDS_MAX = 10_000;
const WARMING_PAGE = 200;

type Close = (hurry: AbortSignal) => Promise<void>;

export class App {
  readonly #configured: Configured;
  readonly #configuredConfig: Config;
  readonly #environment: AppEnvironment;
  readonly #registry = new Registry();
  /** How to close what runs, in the order in which it was started. */
  readonly #running: Close[] = [];
  #settings: RuntimeSettings | undefined;
  #relay: RelayServer | undefined;
  #queue: BuildQueue | undefined;
  #cache: AppCache | undefined;
  #apiAddresses: readonly string[] = [];
  #http: HttpServerBound = { address: "" };
  #pageToken = "";
  readonly #startedAtMs: number = Date.now();
  #hasStarted = false;
  #isClosing = false;

  constructor(configured: Configured, environment: AppEnvironment) {
    this.#configured = configured;
    this.#configuredConfig = configOf(configured);
    this.#environment = environment;
  }

  /** How long running builds may go on after a signal, if it came now. */
  get drainTimeoutMs(): number {
    return this.#config.drainTimeoutMs;
  }

  /** As it is now. */
  get #config(): Config {
    return this.#settings?.config ?? this.#configuredConfig;
  }

  /** Starts all parts. What was started when it fails is for `close`. @throws StartError */
  async start(): Promise<void> {
    const { env, logger, searchPath } = this.#environment;
    const registry = this.#registry;
    // Its default of 10 ms would wake an idle process a hundred times a second.
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
    await this.#lockDataDir();
    const database = await openAppDatabase(this.#config.dataDir, logger);
    this.#running.push(() => {
      database.close();
      return Promise.resolve();
    });
    const settings = this.#followSettings(database);
    const messages = await loadBuildMessages();
    const isQuiet = (address: string): boolean =>
      (this.#cache?.exportsOn(address) ?? 0) + (this.#relay?.buildCallsOn(address) ?? 0) === 0;
    const ownState: AppFarmDeps["ownState"] = async () => {
      const usage = await this.#cache?.admin.usage();
      return { stateBytes: usage?.storeBytes, stateLimitBytes: usage?.softMaxBytes };
    };
    const common = { settings, database, messages, registry, logger };
    const parts = await createFarm({ ...common, isQuiet, ownState, searchPath, env });
    this.#queue = parts.queue;
    // What a wrong option stops comes first, so that it leaves nothing behind.
    const http = await this.#startHttp(parts.farm);
    const builds = await this.#startBuilds(parts, settings, database, messages);
    const relay = await this.#createRelay(parts, builds, messages);
    this.#relay = relay;
    this.#followFarm(parts.farm, relay);
    http.serveApi(await this.#startApi(parts, settings, builds, relay));
    await this.#run(relay, () => relay.start());
    await this.#run(parts, () => parts.start(async (host) => this.#cache?.listenAt(host)));
    void warmUp(parts.warmth, builds.desk).catch((error: unknown) => {
      logger.warn({ cause: error instanceof Error ? error.message : String(error) }, "builders begin cold");
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
    // They have not begun, and would not end in time.
    this.#queue?.refuseWaiting();
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

  /** From here on, what was changed goes before what is configured. */
  #followSettings(database: SqliteDatabase): RuntimeSettings {
    const { logger } = this.#environment;
    const settings = new RuntimeSettings(this.#configured, new SqliteKeptSettings(database), logger);
    const follow = (): void => {
      logger.level = settings.config.logLevel;
    };
    settings.onChange((names) => {
      follow();
      logger.info({ names }, "settings changed");
    });
    follow();
    this.#settings = settings;
    return settings;
  }

  /** Records builds, and shares their cache where that is on. */
  async #startBuilds(
    { farm, warmth }: AppFarm,
    settings: RuntimeSettings,
    database: SqliteDatabase,
    messages: BuildMessages,
  ): Promise<AppBuilds> {
    const { logger } = this.#environment;
    const registry = this.#registry;
    const builds = await startBuilds({
      builderAt: (address) => farm.find(address),
      worker: async (address) => {
        const now = await farm.find(address)?.check();
        return now?.state === "up" && now.workers.id !== "" ? now.workers.id : undefined;
      },
      onEnded: (build) => {
        noteBuilt(warmth, build);
      },
      ...{ settings, database, messages, registry, logger },
    });
    this.#running.push(() => builds.close());
    // Where it was switched off since, it may be switched on again.
    if (this.#configuredConfig.cache.mode !== "off") {
      const onEvicted: AppCacheDeps["onEvicted"] = (exports, reason) => {
        builds.noteRemoval(
          exports.map(({ ref }) => ref),
          reason,
        );
      };
      const canImport = ({ address }: Builder): boolean => farm.find(address)?.abilities.canImportCache ?? true;
      const canExport = ({ address }: Builder): boolean => farm.find(address)?.abilities.canExportCache ?? true;
      const common = { settings, database, messages, registry, logger };
      const cache = await startCache({ ...common, onEvicted, canImport, canExport });
      this.#cache = cache;
      this.#running.push(() => cache.close());
    }
    return builds;
  }

  async #createRelay({ farm, queue }: AppFarm, builds: AppBuilds, messages: BuildMessages): Promise<RelayServer> {
    const { listen, tls } = this.#config;
    const { logger } = this.#environment;
    const [readDefinition, history] = await Promise.all([loadDefinitionReader(), loadHistoryMessages()]);
    const now = (): number => performance.now();
    const { hashKey, recorder } = builds;
    const guard = new Guard(this.#registry, logger);
    const looked = { recorder, hashKey, messages, readDefinition, guard, now };
    const whereIs = new WhereIs({ messages: history, recorded: builds.builderOf });
    const config = (): Config => this.#config;
    return new RelayServer({
      ...{ listen, tls, farm, placing: queue, whereIs, messages, logger, now, wallClock: Date.now },
      get isLimited() {
        return config().farm.maxClients !== undefined;
      },
      farmCallOf: acrossFarm({ whereIs, messages: history }),
      readSolve: readSolveWith(messages),
      random: Math.random,
      metrics: new RelayMetrics(this.#registry, now),
      // A build that began with the cache ends with it: a change holds for clients that connect from then on.
      createInterceptor: () => new BuildInterceptor({ ...looked, sharing: this.#cache?.sharing() }),
      get retriesLostBuilds() {
        return config().farm.retriesLostBuilds;
      },
      get lostAdvice() {
        const isShared = config().cache.mode !== "off";
        return isShared ? "run it again, and it finds what the shared cache has" : "run it again";
      },
    });
  }

  /** What hangs on a builder follows what becomes of it. */
  #followFarm(farm: Farm, relay: RelayServer): void {
    const cache = this.#cache;
    for (const builder of farm.builders) cache?.builderAdded(builder);
    farm.onChange(({ builder, type }) => {
      if (type === "added") cache?.builderAdded(builder);
      if (type === "up") cache?.builderUp(builder);
      if (type === "removed") {
        cache?.builderRemoved(builder);
        relay.dropBuilder(builder.address, "it was removed from the farm");
      }
      if (type === "down") cache?.builderDown(builder);
      if (type !== "silent") return;
      // Again and again while it is: what answered the first time may be dead by the next.
      cache?.builderSilent(builder);
      relay.checkAlive(builder.address);
    });
  }

  async #startApi(
    { farm, isIdle, managed, queue, resources, warmth }: AppFarm,
    settings: RuntimeSettings,
    { desk, recorder }: AppBuilds,
    relay: RelayServer,
  ): Promise<RequestListener> {
    const { apiListen, apiSocket, apiSocketMode } = this.#config;
    const builders = new FarmDesk({
      ...{ farm, queue, warmth, resources, managed, isIdle },
      get maxClients() {
        return settings.config.farm.maxClients;
      },
      runningBuilds: (address) => recorder.runningOn(address),
      endBuilds: (address, cause) => {
        relay.dropBuilder(address, cause);
      },
      now: Date.now,
    });
    const api = createApiServer({
      listeners: [{ path: apiSocket, mode: apiSocketMode }, ...(apiListen === undefined ? [] : [apiListen])],
      settings,
      cache: this.#cache?.admin,
      builds: desk,
      builders,
      status: async () => this.#status(recorder.running, (await builders.report()).builders),
      metrics: () => reportMetrics(this.#registry),
      log: this.#environment.logger,
      now: Date.now,
    });
    await this.#run(api, async () => {
      this.#apiAddresses = await api.start();
    });
    return api.answer;
  }

  async #status(runningBuilds: number, builders: readonly BuilderReport[]): Promise<StatusReport> {
    const usage = await this.#cache?.admin.usage();
    return {
      version: packageVersion(),
      startedAtMs: this.#startedAtMs,
      uptimeMs: Date.now() - this.#startedAtMs,
      isDraining: this.#isClosing,
      listen: this.#relay?.addresses ?? [],
      api: this.#apiAddresses,
      http: this.#http.address,
      ...(this.#http.page !== undefined && { page: `${this.#http.page}/?token=${this.#pageToken}` }),
      cacheMode: this.#config.cache.mode,
      ...(usage !== undefined && { cacheBytes: usage.storeBytes, cacheMaxBytes: usage.softMaxBytes }),
      runningBuilds,
      runningExports: this.#cache?.runningExports() ?? 0,
      builders,
    };
  }

  async #startHttp(farm: Farm): Promise<HttpServer> {
    const { dataDir, http: address, insecureHttp: allowsOthers } = this.#config;
    const { logger } = this.#environment;
    const readiness = async (): Promise<Readiness> => {
      // One that is silent must not keep those that ask from the others.
      await settledWithin(Promise.all(farm.builders.map((builder) => builder.check())), CHECK_WAIT_MS);
      const builders = farm.builders.map(({ health, name }) => {
        return { address: name, up: health.state === "up", ...("cause" in health && { cause: health.cause }) };
      });
      // A load balancer should send no more clients to a process that is about to stop.
      return { ready: builders.some(({ up }) => up) && !this.#isClosing, builders };
    };
    this.#pageToken = await keepPageToken(dataDir);
    const http = createHttpServer({
      ...{ address, allowsOthers, token: this.#pageToken, registry: this.#registry, log: logger, readiness },
    });
    await this.#run(http, async () => {
      this.#http = await http.start();
      logger.info(this.#http, "http listening");
    });
    return http;
  }
}

/** What its steps are worth to the next build of the project, which would have to do them elsewhere. */
function noteBuilt(warmth: Warmth, build: BuildSummary): void {
  const { builder, dockerfile, endedAtMs, outcome, project, savedMs, startedAtMs, target, tenant, worker } = build;
  if (builder === "" || endedAtMs === undefined || outcome === "lost") return;
  const workMs = savedMs + (endedAtMs - startedAtMs);
  warmth.built({
    tenant,
    project,
    scope: scopeOf({ dockerfile, target }),
    address: builder,
    worker,
    workMs,
    endedAtMs,
  });
}

/** Builders have what they built before we started. */
async function warmUp(warmth: Warmth, desk: BuildDesk): Promise<void> {
  let cursor: string | undefined;
  for (let read = 0; read < WARMING_BUILDS_MAX; read += WARMING_PAGE) {
    const page = await desk.list({ limit: WARMING_PAGE, ...(cursor !== undefined && { cursor }) });
    for (const build of page.builds) noteBuilt(warmth, build);
    ({ cursor } = page);
    if (cursor === undefined) return;
    // Clients come first.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
