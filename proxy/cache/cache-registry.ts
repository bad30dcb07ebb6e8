/** The cache registry: the HTTP listener from which builders fetch cache, and to which they push it. */
import { createServer, type Server } from "node:http";
import type { Registry } from "prom-client";
import { formatHostPort, type HostPort } from "../config/host-port.js";
import { listenStartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import type { BlobHolds, Release } from "./blob-holds.js";
import type { BlobStore } from "./blob-store.js";
import type { CacheIndex } from "./cache-index.js";
import type { Access } from "./registry-access.js";
import { Exchange } from "./registry-exchange.js";
import { RegistryMetrics, type Operation } from "./registry-metrics.js";
import { parseRegistryPath, type RegistryPath } from "./registry-paths.js";
import { ProbeAccess, type Probe } from "./registry-probe.js";
import { ReadAccess, type CacheImport, type ReadGrant } from "./registry-reads.js";
import { TokenTable } from "./registry-tokens.js";
import { Uploads } from "./registry-uploads.js";
import { WriteAccess, type WriteGrant } from "./registry-writes.js";

const MAX_CONNECTIONS = 4096;
const MAX_HEADERS = 64;
const HEADERS_MAX_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 60_000;

export interface CacheRegistryDeps {
  readonly address: HostPort;
  readonly store: BlobStore;
  readonly index: Pick<CacheIndex, "addBlob" | "blob">;
  readonly holds: BlobHolds;
  readonly registry: Registry;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** An upload of so many bytes, 0 where that is not known, was refused because there is no room. */
  readonly onNoSpace: (bytes: number) => void;
}

export class CacheRegistry {
  readonly #deps: CacheRegistryDeps;
  readonly #metrics: RegistryMetrics;
  readonly #uploads: Uploads;
  readonly #tokens = new TokenTable<Access>();
  readonly #serving = new Set<Promise<void>>();
  readonly #servers: Server[] = [];
  #bound: HostPort;

  constructor(deps: CacheRegistryDeps) {
    this.#deps = deps;
    this.#metrics = new RegistryMetrics(deps.registry);
    this.#uploads = new Uploads({ ...deps, metrics: this.#metrics });
    this.#bound = deps.address;
  }

  /** Resolves with the address, its port chosen by the system where 0 was asked for. @throws StartError */
  async start(): Promise<HostPort> {
    this.#bound = await this.#listen(this.#deps.address);
    return this.#bound;
  }

  /** Listens on another address of this machine too, with the same port, unless it does already. @throws StartError */
  async alsoListen(host: string): Promise<void> {
    if ([host, "0.0.0.0", "::"].includes(this.#bound.host)) return;
    await this.#listen({ host, port: this.#bound.port });
  }

  /** Ends all tokens and connections. May be called twice, and without a start. */
  async close(): Promise<void> {
    const closed = this.#servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => {
            resolve();
          });
        }),
    );
    for (const access of this.#tokens.values()) access.revoke();
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all([...closed, ...this.#serving]);
  }

  /** Undefined where one of the layers is being deleted. */
  allowRead(offered: CacheImport): ReadGrant | undefined {
    const held: Release[] = [];
    for (const digest of offered.layers.keys()) {
      const release = this.#deps.holds.hold(digest);
      if (release === undefined) {
        for (const undo of held) undo();
        return undefined;
      }
      held.push(release);
    }
    const deps = { store: this.#deps.store, uploads: this.#uploads };
    return this.#tokens.add((ticket) => new ReadAccess(ticket, offered, held, deps));
  }

  allowWrite(): WriteGrant {
    const deps = { uploads: this.#uploads, holds: this.#deps.holds };
    return this.#tokens.add((ticket) => new WriteAccess(ticket, deps));
  }

  expectProbe(): Probe {
    return this.#tokens.add((ticket) => new ProbeAccess(ticket));
  }

  async #listen(address: HostPort): Promise<HostPort> {
    const server = this.#createServer();
    this.#servers.push(server);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(address, () => {
        server.off("error", reject);
        resolve();
      });
    }).catch((error: unknown) => {
      throw listenStartError("registry-listen", formatHostPort(address), error);
    });
    server.on("error", (error) => {
      this.#deps.log.error({ cause: error.message }, "registry listener failed");
    });
    const bound = server.address();
    return { host: address.host, port: typeof bound === "object" && bound !== null ? bound.port : address.port };
  }

  #createServer(): Server {
    const limits = {
      maxHeaderSize: HEADERS_MAX_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // A layer takes as long as it takes; bodies have a limit for standing still.
      requestTimeout: 0,
    };
    const server = createServer(limits, (request, response) => {
      this.#answer(new Exchange(request, response, this.#metrics));
    });
    server.maxConnections = MAX_CONNECTIONS;
    server.maxHeadersCount = MAX_HEADERS;
    return server;
  }

  #answer(exchange: Exchange): void {
    const { request, response } = exchange;
    const path = parseRegistryPath(request.url ?? "");
    const access = path === undefined ? undefined : this.#tokens.find(path.token);
    const operation = operationOf(exchange, path, access);
    response.once("close", () => {
      this.#metrics.request(operation, response.writableFinished ? response.statusCode : "cut");
    });
    if (path === undefined || access === undefined) {
      exchange.notFound();
      return;
    }
    const serving = access.serve(exchange, path);
    if (serving === undefined) return;
    const done = serving
      .catch((error: unknown) => {
        this.#fail(exchange, error);
      })
      .finally(() => this.#serving.delete(done));
    this.#serving.add(done);
  }

  /** The path stays out of the log: it holds the token. */
  #fail(exchange: Exchange, error: unknown): void {
    // A client that left makes what ran for it fail: that is no fault of ours.
    if (exchange.response.destroyed) return;
    this.#deps.log.error({ err: error }, "cache registry request failed");
    if (exchange.response.headersSent) exchange.cut();
    else exchange.error(500, "UNKNOWN", "internal error");
  }
}

/** Of a request whose token is not known, nothing is counted but that it came. */
function operationOf(exchange: Exchange, path: RegistryPath | undefined, access: Access | undefined): Operation {
  if (path === undefined || access === undefined) return "other";
  if (access instanceof ProbeAccess) return "probe";
  const { kind } = path.target;
  if (kind === "uploads" || kind === "upload") return "upload";
  const { method } = exchange.request;
  if (kind === "manifest" && method === "PUT") return "put_manifest";
  if (kind === "http-probe" || !exchange.isRead) return "other";
  return `${exchange.isHead ? "head" : "get"}_${kind}`;
}
