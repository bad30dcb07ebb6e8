/** One place where HTTP is listened for: a unix socket for one user, or a TCP port. */
import { once } from "node:events";
import { access, lstat, unlink } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { formatHostPort, type HostPort } from "../config/host-port.js";
import type { OptionName } from "../config/options.js";
import { listenStartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import { failureOf } from "./api-error.js";
import { withoutStrangers } from "./stranger.js";

/** The mode is that of the socket; without one, it is for this user alone. */
export type HttpAddress = { readonly path: string; readonly mode?: number } | HostPort;

export interface HttpListenerDeps {
  readonly address: HttpAddress;
  /** That the address is from. */
  readonly option: OptionName;
  /** On a port, it gets no requests of strangers. */
  readonly answer: RequestListener;
  readonly log: Logger;
  readonly stalledTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** From the connection, or the first byte of a request, to the end of its headers. */
const HEADERS_TIMEOUT_MS = 5_000;
/** What took too long is looked for so often within that time. */
const CHECKS_PER_TIMEOUT = 2;
/** Between two requests. */
const IDLE_TIMEOUT_MS = 60_000;
/** Within a request: without a byte in either direction. */
const STALLED_TIMEOUT_MS = 60_000;
const HEADERS_MAX_BYTES = 16 * 1024;
/** Those that follow events take up to half of them. */
const CONNECTIONS_MAX = 128;
/** Pages and what uses the API leave room for who looks whether MemoBuild is alive. */
const PAGE_CONNECTIONS_MAX = 1024;
const SOCKET_MODE = 0o600;
const ALL_MODES = 0o777;

const CLIENT_ERROR_STATUS = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

export class HttpListener {
  readonly #deps: HttpListenerDeps;
  readonly #server: Server;

  constructor(deps: HttpListenerDeps) {
    const { address, answer, headersTimeoutMs = HEADERS_TIMEOUT_MS, option } = deps;
    this.#deps = deps;
    // Not fastify's own server: it would be listening some time after `listen`, with whatever umask is set then.
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: headersTimeoutMs,
        connectionsCheckingInterval: headersTimeoutMs / CHECKS_PER_TIMEOUT,
        keepAliveTimeout: IDLE_TIMEOUT_MS,
        maxHeaderSize: HEADERS_MAX_BYTES,
      },
      "path" in address ? answer : withoutStrangers(address.host, answer),
    );
    this.#server.maxConnections = option === "http" ? PAGE_CONNECTIONS_MAX : CONNECTIONS_MAX;
    this.#server.timeout = deps.stalledTimeoutMs ?? STALLED_TIMEOUT_MS;
    this.#server.on("clientError", answerClientError);
  }

  /** Resolves with where it listens, such as "http://127.0.0.1:8374". @throws StartError */
  async start(): Promise<string> {
    const { address, log, option } = this.#deps;
    try {
      if ("path" in address) {
        // Without its folder, a socket is refused as if that were a matter of permission.
        await access(dirname(address.path));
        await removeLeftSocket(address.path);
        await listenPrivately(this.#server, address.path, address.mode ?? SOCKET_MODE);
      } else {
        const listening = once(this.#server, "listening");
        this.#server.listen({ host: address.host, port: address.port });
        await listening;
      }
    } catch (error) {
      throw listenStartError(option, "path" in address ? address.path : formatHostPort(address), error);
    }
    this.#server.on("error", (error) => {
      log.error({ option, cause: error.message }, "http listener failed");
    });
    if ("path" in address) return `unix://${address.path}`;
    const bound = this.#server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
    return `http://${formatHostPort({ host: address.host, port })}`;
  }

  /** Cuts what is still connected. May be called twice, and without a start. */
  async close(): Promise<void> {
    // Its callback tells of a server that was not listening too.
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Answers what is not HTTP/1 at all, such as TLS or gRPC sent to the wrong port. */
function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERROR_STATUS.get(error.code ?? "") ?? "400 Bad Request";
  const body = JSON.stringify(failureOf("bad_request", `${status.slice(4)}; this port speaks plain HTTP/1.1`));
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    // Half-closed, a peer that never ends its side would keep the socket.
    () => socket.destroy(),
  );
}

/** The socket is made before `listen` returns, so that nobody can connect before its mode is set. */
async function listenPrivately(server: Server, path: string, mode: number): Promise<void> {
  const listening = once(server, "listening");
  const umask = process.umask(ALL_MODES & ~mode);
  server.listen({ path });
  process.umask(umask);
  await listening;
}

/** Left behind by a process that was killed. Anything else, and what is served, is left alone, and then in the way. */
async function removeLeftSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined); // not there: nothing to remove
  if (found?.isSocket() !== true) return;
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED");
    });
  });
  if (!isServed) await unlink(path);
}
