/** One place where the API listens: a unix socket for one user, or a TCP port of this machine alone. */
import { once } from "node:events";
import { access, lstat, unlink } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect } from "node:net";
import { dirname } from "node:path";
import { formatHostPort, type HostPort } from "../config/host-port.js";
import { listenStartError } from "../config/start-error.js";
import type { Logger } from "../log/create-logger.js";
import { failureOf, STATUS_OF_CODE } from "./api-error.js";
import { strangerProblem } from "./stranger.js";

/** A host is one of loopback. */
export type ApiAddress = { readonly path: string } | HostPort;

const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 10_000;
const HEADERS_MAX_BYTES = 16 * 1024;
/** Those that follow events take up to half of them. */
const CONNECTIONS_MAX = 128;
const SOCKET_UMASK = 0o177;

export class ApiListener {
  readonly #address: ApiAddress;
  readonly #server: Server;
  readonly #log: Logger;

  constructor(address: ApiAddress, answer: RequestListener, log: Logger) {
    this.#address = address;
    this.#log = log;
    // Not fastify's own server: it would be listening some time after `listen`, with whatever umask is set then.
    this.#server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, keepAliveTimeout: IDLE_TIMEOUT_MS, maxHeaderSize: HEADERS_MAX_BYTES },
      "path" in address ? answer : withoutStrangers(address.host, answer),
    );
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Resolves with where it listens, such as "http://127.0.0.1:8374". @throws StartError */
  async start(): Promise<string> {
    const address = this.#address;
    try {
      if ("path" in address) {
        // Without its folder, a socket is refused as if that were a matter of permission.
        await access(dirname(address.path));
        await removeLeftSocket(address.path);
        await listenPrivately(this.#server, address.path);
      } else {
        const listening = once(this.#server, "listening");
        this.#server.listen({ host: address.host, port: address.port });
        await listening;
      }
    } catch (error) {
      throw "path" in address
        ? listenStartError("api-socket", address.path, error)
        : listenStartError("api-listen", formatHostPort(address), error);
    }
    this.#server.on("error", (error) => {
      this.#log.error({ cause: error.message }, "api listener failed");
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

function withoutStrangers(host: string, answer: RequestListener): RequestListener {
  return (request, response) => {
    const problem = strangerProblem(request.headers, host);
    if (problem === undefined) {
      answer(request, response);
      return;
    }
    response
      .writeHead(STATUS_OF_CODE.forbidden, { "content-type": "application/json", connection: "close" })
      .end(JSON.stringify(failureOf("forbidden", problem)));
  };
}

/** The socket is made before `listen` returns, so that nobody can connect before its mode is set. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const listening = once(server, "listening");
  const umask = process.umask(SOCKET_UMASK);
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
