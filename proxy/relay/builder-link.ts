/** The connection to one builder that belongs to one client connection; opened when it comes, and again after a loss. */
import type { Logger } from "../log/create-logger.js";
import type { FarmBuilder } from "../farm/farm-builder.js";
import { ClientConnection } from "../grpc/http2/client-connection.js";
import type { RelayMetrics } from "./relay-metrics.js";

/** A builder that lives answers a ping at once, whatever it builds. */
const PING_TIMEOUT_MS = 5_000;
/** Of one connection: gRPC servers close one whose client pings more often (grpc-go, keepalive.EnforcementPolicy). */
const PING_INTERVAL_MS = 5 * 60_000;
const CLIENT_GONE = "the client closed its connection";

type State =
  | { readonly state: "closed" }
  | { readonly state: "connecting"; readonly connection: Promise<ClientConnection>; readonly stop: AbortController }
  | { readonly state: "ready"; readonly connection: ClientConnection };

export interface BuilderLinkDeps {
  readonly builder: FarmBuilder;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** It could not be reached, or a connection with calls on it was lost. */
  readonly onTrouble: () => void;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class BuilderLink {
  readonly builder: FarmBuilder;
  readonly #deps: BuilderLinkDeps;
  /** All that are open, with when each was pinged last: one that drains may have calls left while the next is in use. */
  readonly #connections = new Map<ClientConnection, number>();
  #state: State = { state: "closed" };
  #isClosed = false;

  constructor(deps: BuilderLinkDeps) {
    this.builder = deps.builder;
    this.#deps = deps;
  }

  /** The open connection, if there is one; else see `connect`. */
  get ready(): ClientConnection | undefined {
    return this.#state.state === "ready" ? this.#state.connection : undefined;
  }

  /** @throws Error whose message says why the builder cannot be reached. */
  async connect(): Promise<ClientConnection> {
    if (this.#state.state === "ready") return this.#state.connection;
    if (this.#state.state === "closed") {
      if (this.#isClosed) throw new Error(CLIENT_GONE);
      const stop = new AbortController();
      this.#state = { state: "connecting", connection: this.#dial(stop.signal), stop };
    }
    return this.#state.connection;
  }

  /** The client is gone: its calls at the builder are cancelled. */
  close(): void {
    this.#isClosed = true;
    this.drop(CLIENT_GONE);
  }

  /** Ends what is open or being opened; the next call opens anew. */
  drop(cause: string): void {
    if (this.#state.state === "connecting") this.#state.stop.abort(new Error(cause));
    for (const connection of this.#connections.keys()) connection.destroy(cause);
  }

  /**
   * The builder answers nobody: drops what does not answer here either, unless it was asked lately. A connection into
   * the void would never end.
   */
  async checkAlive(): Promise<void> {
    if (this.#state.state === "connecting") this.#state.stop.abort(new Error("the builder does not answer"));
    const now = this.#deps.now();
    const answers = [...this.#connections].map(async ([connection, pingedAtMs]) => {
      if (now - pingedAtMs < PING_INTERVAL_MS) return;
      this.#connections.set(connection, now);
      if (await connection.isAnswered(PING_TIMEOUT_MS)) return;
      connection.destroy(`it did not answer within ${PING_TIMEOUT_MS / 1000} s`);
    });
    await Promise.all(answers);
  }

  async #dial(stopped: AbortSignal): Promise<ClientConnection> {
    const { logger, metrics, onTrouble } = this.#deps;
    try {
      const socket = await this.builder.dial(stopped);
      metrics.connectionOpened("builder");
      const connection: ClientConnection = new ClientConnection(socket, {
        draining: () => {
          this.#retire(connection);
        },
        closed: (cause) => {
          this.#connections.delete(connection);
          metrics.connectionClosed("builder");
          this.#retire(connection);
          logger.debug({ builder: this.builder.address, cause }, "builder connection closed");
          if (!this.#isClosed) onTrouble();
        },
      });
      this.#connections.set(connection, -Infinity);
      this.#state = { state: "ready", connection };
      // It may have been given up in the very moment in which the connection came.
      if (stopped.aborted) this.drop(stopped.reason instanceof Error ? stopped.reason.message : CLIENT_GONE);
      return connection;
    } catch (error) {
      this.#state = { state: "closed" };
      if (!this.#isClosed) onTrouble();
      throw error;
    }
  }

  /** New calls get a new connection. */
  #retire(connection: ClientConnection): void {
    if (this.#state.state === "ready" && this.#state.connection === connection) this.#state = { state: "closed" };
  }
}
