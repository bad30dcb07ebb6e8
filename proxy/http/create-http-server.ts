/** The HTTP listener: metrics, liveness, readiness, and the web page with the API that it asks. */
import type { RequestListener } from "node:http";
import { fastify, type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { type HostPort, isLoopback } from "../config/host-port.js";
import type { Logger } from "../log/create-logger.js";
import { API_PREFIX } from "./api-calls.js";
import { HttpListener } from "./http-listener.js";
import { cookieFor, hasToken } from "./page-token.js";
import { refuse } from "./refuse.js";
import { addWebPage, PAGE_FOLDER, readWebPage } from "./web-page.js";

export interface Readiness {
  readonly ready: boolean;
  readonly builders: readonly { readonly address: string; readonly up: boolean; readonly cause?: string }[];
}

export interface HttpServerDeps {
  readonly address: HostPort;
  /** Serve the page and the API where other machines reach the address too. */
  readonly allowsOthers: boolean;
  /** What the API wants to see. */
  readonly token: string;
  readonly registry: Registry;
  readonly log: Logger;
  /** Called per request; the signal fires when the answer is no longer waited for. */
  readonly readiness: (signal: AbortSignal) => Promise<Readiness>;
  readonly pageFolder?: string;
}

export interface HttpServerBound {
  /** As in `http://127.0.0.1:8373`. */
  readonly address: string;
  /** Where the page is, without its token; undefined where only metrics and health are served. */
  readonly page?: string;
}

export interface HttpServer {
  /** Resolves with where it really listens. @throws StartError */
  start(): Promise<HttpServerBound>;
  /** From now on the API is answered by it. Before, clients are told to try again. */
  serveApi(answer: RequestListener): void;
  /** Cuts what is still connected. May be called twice, and without a start. */
  close(): Promise<void>;
}

const PATHS = ["/metrics", "/healthz", "/readyz"];
const READINESS_TIMEOUT_MS = 5000;
const BODY_MAX_BYTES = 64 * 1024;

const PLAIN = "text/plain; charset=utf-8";
const NOT_FOR_OTHERS =
  "The page and the API are served on an address of this machine alone, such as --http 127.0.0.1:8373, or with " +
  "--insecure-http: there is no TLS here.";
const NEEDS_TOKEN =
  "This needs the token of the page: open the address that `memobuild status` prints on the machine of MemoBuild, or send " +
  "the token as Authorization: Bearer.";
const NOT_BUILT = "The web page is not built: `make ui` builds it, for the next start of MemoBuild.";

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

function addRefusals(server: FastifyInstance, log: Logger, paths: readonly string[]): void {
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "not found", paths }));
  server.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error.statusCode ?? 500;
    // A client that left makes what ran for it fail: that is no fault of ours.
    if (status === 500 && !request.raw.destroyed) log.error({ err: error }, "http request failed");
    return reply.code(status).send({ error: status === 500 ? "internal error" : error.message });
  });
}

async function addPage(server: FastifyInstance, folder: string, token: string): Promise<void> {
  // Of the address that has the token, the browser keeps the rest.
  server.addHook("onRequest", async ({ headers, url }, reply) => {
    if (!url.startsWith("/?token=")) return;
    const cookie = cookieFor(url, headers, token);
    if (cookie !== undefined) void reply.header("set-cookie", cookie);
    await reply.header("cache-control", "no-store").redirect("/", 303);
  });
  const files = await readWebPage(folder);
  addWebPage(server, files);
  if (!files.has("/")) server.get("/", (_request, reply) => reply.code(404).type(PLAIN).send(`${NOT_BUILT}\n`));
}

export function createHttpServer(deps: HttpServerDeps): HttpServer {
  const { address, allowsOthers, log, pageFolder = PAGE_FOLDER, token } = deps;
  const servesPage = allowsOthers || isLoopback(address.host);
  const server = fastify({ bodyLimit: BODY_MAX_BYTES });
  addRefusals(server, log, servesPage ? ["/", API_PREFIX, ...PATHS] : PATHS);
  addRoutes(server, deps);
  let answerApi: RequestListener = (_request, response) => {
    if (servesPage) refuse(response, "unavailable", "MemoBuild is starting; try again in a moment");
    else refuse(response, "forbidden", NOT_FOR_OTHERS);
  };
  const answer: RequestListener = (request, response) => {
    const { headers, url = "" } = request;
    if (!url.startsWith(`${API_PREFIX}/`)) server.routing(request, response);
    else if (servesPage && !hasToken(headers, token)) refuse(response, "unauthorized", NEEDS_TOKEN);
    else answerApi(request, response);
  };
  const listener = new HttpListener({ address, option: "http", answer, log });
  return {
    async start() {
      if (servesPage) await addPage(server, pageFolder, token);
      else server.get("/", (_request, reply) => reply.code(403).type(PLAIN).send(`${NOT_FOR_OTHERS}\n`));
      await server.ready();
      const bound = await listener.start();
      if (servesPage) return { address: bound, page: bound };
      log.info({ cause: "other machines reach this address", advice: "give --insecure-http" }, "web page not served");
      return { address: bound };
    },
    serveApi(api) {
      if (servesPage) answerApi = api;
    },
    async close() {
      await listener.close();
      await server.close();
    },
  };
}
