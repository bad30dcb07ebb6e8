/** The HTTP listener for operators: metrics, liveness, readiness. */
import type { Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { formatHostPort, type HostPort } from "../config/host-port.js";
import { listenStartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import { isAllowedHost } from "./allowed-host.js";

export interface Readiness {
  readonly ready: boolean;
  readonly builders: readonly { readonly address: string; readonly up: boolean; readonly cause?: string }[];
}

export interface HttpServerDeps {
  readonly address: HostPort;
  readonly registry: Registry;
  readonly log: Logger;
  /** Called per request; the signal fires when the answer is no longer waited for. */
  readonly readiness: (signal: AbortSignal) => Promise<Readiness>;
}

export interface HttpServer {
  /** Resolves with the real address, as in `http://127.0.0.1:8373`. @throws StartError */
  start(): Promise<{ readonly address: string }>;
  /** Cuts what is still connected. May be called twice, and without a start. */
  close(): Promise<void>;
}

const PATHS = ["/metrics", "/healthz", "/readyz"];
const READINESS_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const HEADERS_MAX_BYTES = 16 * 1024;
const BODY_MAX_BYTES = 64 * 1024;

const CLIENT_ERROR_STATUS = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** Answers what is not HTTP/1 at all, such as TLS or gRPC sent to the wrong port. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERROR_STATUS.get(error.code ?? "") ?? "400 Bad Request";
  const body = JSON.stringify({ error: `${status.slice(4)}; this port speaks plain HTTP/1.1`, paths: PATHS });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    // Half-closed, a peer that never ends its side would keep the socket.
    () => socket.destroy(),
  );
}

function addRoutes(server: FastifyInstance, { registry, readiness }: HttpServerDeps): void {
  server.get("/metrics", async (_request, reply) =>
    reply.header("content-type", registry.contentType).send(await registry.metrics()),
  );
  server.get("/healthz", () => ({ status: "ok" }));
  server.get("/readyz", { handlerTimeout: READINESS_TIMEOUT_MS }, async (request, reply) => {
    const answer = await readiness(request.signal);
    return reply.code(answer.ready ? 200 : 503).send(answer);
  });
}

function addRefusals(server: FastifyInstance, { address, log }: HttpServerDeps): void {
  server.addHook("onRequest", async (request, reply) => {
    if (isAllowedHost(request.headers.host, address.host)) return;
    await reply.code(403).send({ error: "this Host is not served here; use localhost or the address listened on" });
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "not found", paths: PATHS }));
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    // A client that left makes what ran for it fail: that is no fault of ours.
    if (status === 500 && !request.raw.destroyed) log.error({ err: error }, "http request failed");
    return reply.code(status).send({ error: status === 500 ? "internal error" : error.message });
  });
}

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const server = fastify({
    bodyLimit: BODY_MAX_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    http: { maxHeaderSize: HEADERS_MAX_BYTES },
    clientErrorHandler: answerClientError,
  });
  addRefusals(server, deps);
  addRoutes(server, deps);
  const { host, port } = deps.address;
  return {
    async start() {
      try {
        await server.listen({ host, port });
      } catch (error) {
        throw listenStartError("http", formatHostPort(deps.address), error);
      }
      const bound = server.server.address();
      const boundPort = typeof bound === "object" && bound !== null ? bound.port : port;
      return { address: `http://${formatHostPort({ host, port: boundPort })}` };
    },
    close: () => server.close(),
  };
}
