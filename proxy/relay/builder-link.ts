/** The connection to the builder that belongs to one client connection; opened when it comes, and again after a loss. */
import type { Logger } from "../log/create-logger.js";
import type { Builder } from "../farm/builder.js";
import { ClientConnection } from "../grpc/http2/client-connection.js";
import type { RelayMetrics } from "./relay-metrics.js";

type State =
  | { readonly state: "closed" }
  | { readonly state: "connecting"; readonly connection: Promise<ClientConnection> }
  | { readonly state: "ready"; readonly connection: ClientConnection };

export class BuilderLink {
  readonly builder: Builder;
  readonly #metrics: RelayMetrics;
  readonly #logger: Logger;
  readonly #abandoned = new AbortController();
  /** All that are open: one that drains may have calls left while the next is in use. */
  readonly #connections = new Set<ClientConnection>();
  #state: State = { state: "closed" };

  constructor(builder: Builder, metrics: RelayMetrics, logger: Logger) {
    this.builder = builder;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** The open connection, if there is one; else see `connect`. */
  get ready(): ClientConnection | undefined {
    return this.#state.state === "ready" ? this.#state.connection : undefined;
  }

  /** @throws Error whose message says why the builder cannot be reached. */
  async connect(): Promise<ClientConnection> {
    if (this.#state.state === "ready") return this.#state.connection;
    if (this.#state.state === "closed") this.#state = { state: "connecting", connection: this.#dial() };
    return this.#state.connection;
  }

  /** The client is gone: its calls at the builder are cancelled. */
  close(): void {
    this.#abandoned.abort();
    for (const connection of this.#connections) connection.destroy("the client closed its connection");
  }

  async #dial(): Promise<ClientConnection> {
    try {
      const socket = await this.builder.dial(this.#abandoned.signal);
      this.#metrics.connectionOpened("builder");
      const connection: ClientConnection = new ClientConnection(socket, {
        draining: () => {
          this.#retire(connection);
        },
        closed: (cause) => {
          this.#connections.delete(connection);
          this.#metrics.connectionClosed("builder");
          this.#retire(connection);
          this.#logger.debug({ builder: this.builder.address, cause }, "builder connection closed");
        },
      });
      this.#connections.add(connection);
      this.#state = { state: "ready", connection };
      // The client may have left in the very moment in which the connection came.
      if (this.#abandoned.signal.aborted) this.close();
      return connection;
    } catch (error) {
      this.#state = { state: "closed" };
      throw error;
    }
  }

  /** New calls get a new connection. */
  #retire(connection: ClientConnection): void {
    if (this.#state.state === "ready" && this.#state.connection === connection) this.#state = { state: "closed" };
  }
}
