/** The API that `memobuild cache …` speaks to: HTTP on a unix socket, for the user that runs MemoBuild alone. */
import { once } from "node:events";
import { lstat, unlink } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { fastify, type FastifyInstance } from "fastify";
import type { CacheAdmin } from "../cache/cache-admin.js";
import { listenStartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import { ApiJobs } from "./api-jobs.js";
import { ApiError, type ApiErrorCode, type ApiFailure } from "./api-messages.js";
import { addCacheRoutes } from "./api-routes.js";

export interface ApiServerDeps {
  /** See `apiSocketPath`; its folder belongs to this process alone, so that a socket there was left behind. */
  readonly path: string;
  /** Undefined where the cache is off. */
  readonly cache: CacheAdmin | undefined;
  readonly log: Logger;
}

export interface ApiServer {
  /** @throws StartError */
  start(): Promise<void>;
  /** Cuts what is still connected and waits for what ran for it. May be called twice, and without a start. */
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 10_000;
const HEADERS_MAX_BYTES = 16 * 1024;
const BODY_MAX_BYTES = 16 * 1024;
const CONNECTIONS_MAX = 64;
const SOCKET_UMASK = 0o177;

const STATUS_OF_CODE: Readonly<Record<ApiErrorCode, number>> = {
  bad_request: 400,
  not_found: 404,
  cache_off: 409,
  busy: 409,
  timeout: 503,
  internal: 500,
};

const failure = (code: ApiErrorCode, message: string): ApiFailure => ({ error: { code, message } });

function addRefusals(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send(failure("not_found", `there is no ${method} ${url.split("?", 1).join("")}`)),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof ApiError) {
      return reply.code(STATUS_OF_CODE[error.code]).send(failure(error.code, error.message));
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send(failure("bad_request", error.message));
    // A client that left makes what ran for it fail: that is no fault of ours.
    if (!reply.raw.destroyed) log.error({ err: error }, "api request failed");
    return status === 503
      ? reply.code(status).send(failure("timeout", "no answer in time; MemoBuild is overloaded"))
      : reply.code(500).send(failure("internal", "internal error; MemoBuild's log says more"));
  });
}

/** The socket is made before `listen` returns, so that nobody can connect before its mode is set. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, "listening");
  const umask = process.umask(SOCKET_UMASK);
  server.listen({ path });
  process.umask(umask);
  await listening;
}

/** Anything else than a socket is left alone, and then in the way. */
async function removeLeftSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined); // not there: nothing to remove
  if (found?.isSocket() === true) await unlink(path);
}

export function createApiServer({ path, cache, log }: ApiServerDeps): ApiServer {
  const jobs = new ApiJobs();
  const app = fastify({ bodyLimit: BODY_MAX_BYTES });
  addRefusals(app, log);
  addCacheRoutes(app, { cache, jobs, log });
  // Not fastify's own server: it would be listening some time after `listen`, with whatever umask is set then.
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: IDLE_TIMEOUT_MS, maxHeaderSize: HEADERS_MAX_BYTES },
    (request, response) => {
      app.routing(request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  return {
    async start() {
      await app.ready();
      try {
        await removeLeftSocket(path);
        await listenPrivately(server, path);
        server.on("error", (error) => {
          log.error({ cause: error.message }, "api listener failed");
        });
      } catch (error) {
        throw listenStartError("data-dir", path, error);
      }
    },
    async close() {
      // Its callback tells of a server that was not listening too.
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await jobs.settled();
      await app.close();
    },
  };
}
