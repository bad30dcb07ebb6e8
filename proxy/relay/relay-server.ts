/** The listeners that clients connect to, and the client sessions that come from them. */
import net from "node:net";
import tls from "node:tls";
import type { Duplex } from "node:stream";
import type { ListenTls } from "../config/config.js";
import { formatListenAddress } from "../config/listen-address.js";
import type { ListenAddress } from "../config/listen-address.js";
import { listenStartError } from "../config/start-error.js";
import { ClientSession } from "./client-session.js";
import type { ClientSessionDeps } from "./client-session.js";
import { firstBytes, http1Answer, http2Answer } from "./first-bytes.js";
import { listenOn } from "./listen.js";
import type { RejectionReason } from "./relay-metrics.js";
import { fingerprint, readTlsFiles } from "./tls-files.js";
import type { TlsMaterial } from "./tls-files.js";

const CLIENT_CONNECTIONS_MAX = 10_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 30_000;
const TLS_FILES_CHECK_INTERVAL_MS = 2_000;
const DRAIN_POLL_MS = 50;
const TCP_KEEP_ALIVE_MS = 30_000;

const SPEAKS_PLAIN =
  "This is MemoBuild's port for BuildKit clients (docker buildx, buildctl): it speaks gRPC over HTTP/2 without TLS.";
const SPEAKS_TLS =
  "This is MemoBuild's port for BuildKit clients (docker buildx, buildctl): it speaks gRPC over HTTP/2 with TLS.";

export interface RelayServerDeps extends ClientSessionDeps {
  readonly listen: readonly ListenAddress[];
  /** Of TCP listeners; unix sockets are plain, as BuildKit's are. */
  readonly tls: ListenTls | undefined;
}

export class RelayServer {
  readonly #deps: RelayServerDeps;
  readonly #servers: net.Server[] = [];
  readonly #sessions = new Set<ClientSession>();
  /** Sockets that have not become a session yet. */
  readonly #strangers = new Set<Duplex>();
  #tlsServer: tls.Server | undefined;
  #tlsTimer: NodeJS.Timeout | undefined;

  constructor(deps: RelayServerDeps) {
    this.#deps = deps;
  }

  /** @throws StartError when an address or a TLS file cannot be used; what was opened until then is for `close`. */
  async start(): Promise<void> {
    if (this.#deps.tls !== undefined) await this.#startTls(this.#deps.tls);
    for (const address of this.#deps.listen) {
      const isTls = address.kind === "tcp" && this.#deps.tls !== undefined;
      const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS });
      server.maxConnections = CLIENT_CONNECTIONS_MAX;
      server.on("connection", (socket) => {
        void this.#greet(socket, isTls ? "tls" : "plain");
      });
      this.#servers.push(server);
      try {
        const bound = await listenOn(server, address);
        this.#deps.logger.info({ address: bound, tls: isTls }, "listening");
      } catch (error) {
        throw listenStartError("listen", formatListenAddress(address), error);
      }
    }
  }

  /** Takes no new connections and lets the calls of those that are there end, until all have or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#stopListening();
    for (const session of this.#sessions) session.drain();
    while (this.#sessions.size > 0 && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  /** Ends what is left at once. */
  async close(): Promise<void> {
    clearInterval(this.#tlsTimer);
    this.#stopListening();
    const closed = this.#servers.map(
      (server) =>
        new Promise((resolve) => {
          if (server.listening) server.once("close", resolve);
          else resolve(undefined);
        }),
    );
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#strangers) socket.destroy();
    await Promise.all(closed);
  }

  #stopListening(): void {
    for (const server of this.#servers) server.close();
  }

  async #greet(socket: Duplex, expects: "plain" | "tls" | "inside TLS"): Promise<void> {
    this.#strangers.add(socket);
    socket.on("error", () => undefined); // a stranger that leaves is no event
    const speech = await firstBytes(socket);
    this.#strangers.delete(socket);
    if (speech === "none") socket.destroy();
    else if (expects === "tls" && speech === "tls") this.#tlsServer?.emit("connection", socket);
    else if (expects === "tls") this.#reject(socket, "plain_on_tls_port", answerIn(speech, SPEAKS_TLS));
    else if (speech === "tls") this.#reject(socket, "tls_on_plain_port", http1Answer(SPEAKS_PLAIN));
    else if (speech === "http1") {
      this.#reject(socket, "http1", http1Answer(expects === "plain" ? SPEAKS_PLAIN : SPEAKS_TLS));
    } else if (speech === "unknown") this.#reject(socket, "not_http2", Buffer.alloc(0));
    else this.#accept(socket);
  }

  #accept(socket: Duplex): void {
    const session = new ClientSession(socket, this.#deps, (closed) => this.#sessions.delete(closed));
    this.#sessions.add(session);
  }

  #reject(socket: Duplex, reason: RejectionReason, answer: Buffer): void {
    this.#deps.metrics.connectionRejected(reason);
    this.#deps.logger.debug({ reason }, "connection rejected");
    socket.resume(); // unread bytes would turn our close into a reset, which drops the answer
    socket.end(answer, () => {
      socket.destroy();
    });
  }

  async #startTls(files: ListenTls): Promise<void> {
    const material = await readTlsFiles(files);
    // Without ALPN too: buildx offers none, buildctl insists on h2.
    const server = tls.createServer({
      ...material,
      ALPNProtocols: ["h2"],
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
      minVersion: "TLSv1.2",
      requestCert: material.ca !== undefined,
      rejectUnauthorized: material.ca !== undefined,
    });
    server.on("secureConnection", (socket) => {
      void this.#greet(socket, "inside TLS");
    });
    server.on("tlsClientError", (error) => {
      this.#deps.metrics.connectionRejected("tls_handshake");
      this.#deps.logger.debug({ cause: error.message }, "TLS handshake failed");
    });
    this.#tlsServer = server;
    this.#watchTlsFiles(server, files, material);
  }

  /** New connections get the new certificate; files that cannot be used change nothing and are reported once. */
  #watchTlsFiles(server: tls.Server, files: ListenTls, first: TlsMaterial): void {
    let current = fingerprint(first);
    let reported = "";
    const check = async (): Promise<void> => {
      try {
        const material = await readTlsFiles(files);
        reported = "";
        if (fingerprint(material) === current) return;
        current = fingerprint(material);
        server.setSecureContext({ ...material, minVersion: "TLSv1.2" });
        this.#deps.logger.info("TLS certificate reloaded");
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        if (cause !== reported) this.#deps.logger.warn({ cause }, "TLS files cannot be reloaded; the old ones stay");
        reported = cause;
      }
    };
    this.#tlsTimer = setInterval(() => {
      void check();
    }, TLS_FILES_CHECK_INTERVAL_MS).unref();
  }
}

function answerIn(speech: "http1" | "http2" | "unknown" | "tls", text: string): Buffer {
  if (speech === "http2") return http2Answer(text);
  return speech === "http1" ? http1Answer(text) : Buffer.alloc(0);
}
