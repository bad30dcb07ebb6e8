/** The listeners that clients connect to, and the client sessions that come from them. */
import net from "node:net";
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
import { TlsGate } from "./tls-gate.js";

const CLIENT_CONNECTIONS_MAX = 10_000;
const DRAIN_POLL_MS = 50;
const TCP_KEEP_ALIVE_MS = 30_000;
/** What a stranger gets to read our answer in. */
const REJECTION_TIMEOUT_MS = 2_000;

const WHAT_IT_IS =
  "This is MemoBuild's port for BuildKit clients (docker buildx, buildctl): it speaks gRPC over HTTP/2";
const SPEAKS_PLAIN = `${WHAT_IT_IS} without TLS.`;
const SPEAKS_TLS = `${WHAT_IT_IS} with TLS.`;

export interface RelayServerDeps extends ClientSessionDeps {
  readonly listen: readonly ListenAddress[];
  /** Of TCP listeners; unix sockets are plain, as BuildKit's are. */
  readonly tls: ListenTls | undefined;
}

export class RelayServer {
  readonly #deps: RelayServerDeps;
  readonly #servers: net.Server[] = [];
  readonly #addresses: string[] = [];
  readonly #sessions = new Set<ClientSession>();
  /** Sockets of which we do not know yet what they speak. */
  readonly #strangers = new Set<Duplex>();
  readonly #tlsGate: TlsGate | undefined;
  #isDraining = false;

  constructor(deps: RelayServerDeps) {
    this.#deps = deps;
    if (deps.tls === undefined) return;
    this.#tlsGate = new TlsGate({
      files: deps.tls,
      logger: deps.logger,
      onSecure: (socket) => {
        void this.#greet(socket, SPEAKS_TLS);
      },
      onFailed: () => {
        deps.metrics.connectionRejected("tls_handshake");
      },
    });
  }

  /** Where it listens, with the ports that the system chose; none before the start. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  /** @throws StartError when an address or a TLS file cannot be used; what was opened until then is for `close`. */
  async start(): Promise<void> {
    await this.#tlsGate?.start();
    for (const address of this.#deps.listen) {
      const gate = address.kind === "tcp" ? this.#tlsGate : undefined;
      const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS });
      server.maxConnections = CLIENT_CONNECTIONS_MAX;
      server.on("connection", (socket) => {
        void (gate === undefined ? this.#greet(socket, SPEAKS_PLAIN) : this.#greetBeforeTls(socket, gate));
      });
      this.#servers.push(server);
      try {
        const bound = await listenOn(server, address);
        this.#addresses.push(bound);
        this.#deps.logger.info({ address: bound, tls: gate !== undefined }, "listening");
      } catch (error) {
        throw listenStartError("listen", formatListenAddress(address), error);
      }
      server.on("error", (error) => {
        this.#deps.logger.error({ cause: error.message }, "listener failed");
      });
    }
  }

  /** Takes no new connections and lets the calls of those that are there end, until all have or `signal` aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    this.#stopListening();
    for (const session of this.#sessions) session.drain();
    while (this.#sessions.size > 0 && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
  }

  /** The builder answers nobody any more: gives up the connections to it that lead nowhere. */
  checkAlive(address: string): void {
    for (const session of this.#sessions) session.checkAlive(address);
  }

  /** Calls of builds that run on the builder. */
  buildCallsOn(address: string): number {
    return [...this.#sessions].reduce((sum, session) => sum + session.buildCallsOn(address), 0);
  }

  /** Ends all calls on the builder. */
  dropBuilder(address: string, cause: string): void {
    for (const session of this.#sessions) session.dropBuilder(address, cause);
  }

  /** Ends what is left at once. */
  close(): Promise<void> {
    this.#stopListening();
    for (const session of this.#sessions) session.destroy();
    this.#tlsGate?.close();
    for (const socket of this.#strangers) socket.destroy();
    return Promise.resolve();
  }

  #stopListening(): void {
    for (const server of this.#servers) server.close();
  }

  async #greetBeforeTls(socket: net.Socket, gate: TlsGate): Promise<void> {
    switch (await this.#speechOf(socket)) {
      case "tls":
        gate.handshake(socket);
        break;
      case "http2":
        this.#reject(socket, "plain_on_tls_port", http2Answer(SPEAKS_TLS));
        break;
      case "http1":
        this.#reject(socket, "plain_on_tls_port", http1Answer(SPEAKS_TLS));
        break;
      case "unknown":
        this.#reject(socket, "plain_on_tls_port", Buffer.alloc(0));
        break;
      case "none":
        socket.destroy();
        break;
    }
  }

  /** @param speaks what to tell those who speak something else. */
  async #greet(socket: Duplex, speaks: string): Promise<void> {
    switch (await this.#speechOf(socket)) {
      case "http2":
        this.#accept(socket);
        break;
      case "tls":
        this.#reject(socket, "tls_on_plain_port", http1Answer(speaks));
        break;
      case "http1":
        this.#reject(socket, "http1", http1Answer(speaks));
        break;
      case "unknown":
        this.#reject(socket, "not_http2", Buffer.alloc(0));
        break;
      case "none":
        socket.destroy();
        break;
    }
  }

  async #speechOf(socket: Duplex): ReturnType<typeof firstBytes> {
    this.#strangers.add(socket);
    socket.on("error", () => undefined); // a stranger that leaves is no event
    const speech = await firstBytes(socket);
    this.#strangers.delete(socket);
    return speech;
  }

  #accept(socket: Duplex): void {
    const session = new ClientSession(socket, this.#deps, (closed) => this.#sessions.delete(closed));
    this.#sessions.add(session);
    if (this.#isDraining) session.drain();
  }

  #reject(socket: Duplex, reason: RejectionReason, answer: Buffer): void {
    this.#deps.metrics.connectionRejected(reason);
    this.#deps.logger.debug({ reason }, "connection rejected");
    const giveUp = setTimeout(() => socket.destroy(), REJECTION_TIMEOUT_MS).unref();
    socket.resume(); // unread bytes would turn our close into a reset, which drops the answer
    socket.end(answer, () => {
      clearTimeout(giveUp);
      socket.destroy();
    });
  }
}
