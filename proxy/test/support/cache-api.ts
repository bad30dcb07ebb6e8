/** The API server over a cache and builds in memory, on a socket in a fresh data directory, and on a port if asked. */
import type { RequestListener } from "node:http";
import { Registry } from "prom-client";
import type { BuildDesk } from "../../builds/build-desk.js";
import type { CacheAdmin } from "../../cache/cache-admin.js";
import { apiSocketPath } from "../../config/data-dir.js";
import type { Settings } from "../../config/settings.js";
import type { BuilderDesk } from "../../farm/builder-desk.js";
import { createApiServer } from "../../http/api-server.js";
import { reportMetrics } from "../../http/metrics-report.js";
import type { StatusReport } from "../../http/status-messages.js";
import { createLogger } from "../../log/create-logger.js";
import { MemoryBuildDesk } from "./memory-build-desk.js";
import { MemoryBuilderDesk, sampleBuilderReport } from "./memory-builder-desk.js";
import { memorySettings } from "./memory-settings.js";
import { makeTempDir, removeDir } from "./temp-dir.js";

export interface CacheApi {
  readonly dataDir: string;
  readonly path: string;
  /** Of the TCP listener, where one was asked for. */
  readonly port: number;
  /** For requests that another listener took. */
  readonly answer: RequestListener;
  /** What the server logged. */
  readonly lines: readonly string[];
  /** Cuts connections and waits for what ran for them; may be called twice. */
  close(): Promise<void>;
}

export const SAMPLE_STATUS: StatusReport = {
  version: "0.1.0",
  startedAtMs: 1_800_000_000_000,
  uptimeMs: 3_600_000,
  isDraining: false,
  listen: ["unix:///run/memobuild.sock", "tcp://127.0.0.1:8372"],
  api: ["unix:///run/api.sock"],
  http: "http://127.0.0.1:8373",
  page: "http://127.0.0.1:8373",
  cacheMode: "on",
  cacheBytes: 7_000_000,
  cacheMaxBytes: 20_000_000_000,
  runningBuilds: 1,
  runningExports: 1,
  builders: [
    sampleBuilderReport({ name: "unix:///run/buildkit/buildkitd.sock", runningBuilds: 1, clients: 1 }),
    sampleBuilderReport({ name: "tcp://10.0.0.2:1234", state: "down", cause: "connect ECONNREFUSED" }),
  ],
};

export interface CacheApiOptions {
  readonly builds?: BuildDesk;
  readonly builders?: BuilderDesk;
  readonly settings?: Settings;
  /** Of the metrics that are shown. */
  readonly registry?: Registry;
  readonly listensOnTcp?: boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export async function startCacheApi(cache: CacheAdmin | undefined, options: CacheApiOptions = {}): Promise<CacheApi> {
  const dataDir = await makeTempDir("api");
  const path = apiSocketPath(dataDir);
  const lines: string[] = [];
  const log = createLogger({ level: "trace", format: "json", stream: { write: (line) => lines.push(line) } });
  const server = createApiServer({
    listeners: [{ path }, ...(options.listensOnTcp === true ? [{ host: "127.0.0.1", port: 0 }] : [])],
    cache,
    builds: options.builds ?? new MemoryBuildDesk(),
    status: () => Promise.resolve(SAMPLE_STATUS),
    metrics: () => reportMetrics(options.registry ?? new Registry()),
    settings: options.settings ?? memorySettings(),
    builders: options.builders ?? new MemoryBuilderDesk(),
    log,
    now: options.now ?? Date.now,
  });
  const [, tcp] = await server.start();
  return {
    dataDir,
    path,
    port: tcp === undefined ? 0 : Number(new URL(tcp).port),
    answer: server.answer,
    lines,
    close: async () => {
      await server.close();
      await removeDir(dataDir);
    },
  };
}
