/** One client's connection: its calls, the connection to the builder that they go to, and how it ends. */
import type { Duplex } from "node:stream";
import { methodOfPath } from "../buildkit/methods.js";
import type { Builder } from "../farm/builder.js";
import type { Logger } from "../log/create-logger.js";
import { BuilderLink } from "./builder-link.js";
import { headerValue } from "../grpc/http2/header-list.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import { ServerConnection } from "../grpc/http2/server-connection.js";
import type { Stream, StreamHandler } from "../grpc/http2/stream.js";
import { RelayedCall } from "./relayed-call.js";
import { harmless, type Interceptor } from "./interception.js";
import type { CallObserver } from "./relayed-call.js";
import type { RelayMetrics } from "./relay-metrics.js";

/** A client between two calls, when we are asked to stop, may be in the middle of its preparations for a build. */
const DRAIN_IDLE_MS = 1_000;

export interface ClientSessionDeps {
  readonly builder: Builder;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** Looks into the calls of one client; it is asked once for each. */
  readonly createInterceptor?: () => Interceptor;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class ClientSession {
  readonly #connection: ServerConnection;
  readonly #link: BuilderLink;
  readonly #metrics: RelayMetrics;
  readonly #interceptor: Interceptor | undefined;
  #callsInFlight = 0;
  #isDraining = false;
  #idleTimer: NodeJS.Timeout | undefined;

  /** Takes over a socket whose next bytes are the client's preface. */
  constructor(socket: Duplex, deps: ClientSessionDeps, onClosed: (session: ClientSession) => void) {
    const { builder, logger, metrics, now } = deps;
    this.#metrics = metrics;
    this.#interceptor = deps.createInterceptor?.();
    this.#link = new BuilderLink(builder, metrics, logger);
    // The first call will need it; if there is none, that call is told.
    this.#link.connect().catch(() => undefined);
    metrics.connectionOpened("client");
    this.#connection = new ServerConnection(socket, {
      call: (stream, headers) => this.#call(stream, headers),
      closed: (cause) => {
        clearTimeout(this.#idleTimer);
        this.#link.close();
        harmless(() => this.#interceptor?.closed(), undefined);
        metrics.connectionClosed("client");
        logger.debug({ cause }, "client connection closed");
        onClosed(this);
      },
      now,
    });
  }

  /** Lets calls end; GOAWAY goes out when the client has had none for a moment, because a build makes many in turn. */
  drain(): void {
    this.#isDraining = true;
    this.#closeWhenIdle();
  }

  /** Ends all calls now. */
  destroy(): void {
    this.#connection.destroy("memobuild stops");
  }

  #call(stream: Stream, headers: HeaderList): StreamHandler {
    const path = headerValue(headers, ":path") ?? "";
    const observer = this.#track(this.#metrics.call(methodOfPath(path)));
    // Nobody may change a body whose length is told; gRPC clients do not tell it.
    const isOpenEnded = headerValue(headers, "content-length") === undefined;
    const interception = isOpenEnded ? harmless(() => this.#interceptor?.call(path, headers), undefined) : undefined;
    const call = new RelayedCall(stream, this.#link.builder.address, observer, interception);
    const { ready } = this.#link;
    if (ready !== undefined) call.forward(headers, ready);
    else {
      this.#link.connect().then(
        (connection) => {
          call.forward(headers, connection);
        },
        (error: unknown) => {
          call.fail(error instanceof Error ? error.message : String(error));
        },
      );
    }
    return call.fromClient;
  }

  #track(observer: CallObserver): CallObserver {
    this.#callsInFlight++;
    return {
      ...observer,
      ended: (code) => {
        observer.ended(code);
        this.#callsInFlight--;
        if (this.#isDraining) this.#closeWhenIdle();
      },
    };
  }

  #closeWhenIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#callsInFlight > 0) return;
    this.#idleTimer = setTimeout(() => {
      if (this.#callsInFlight === 0) this.#connection.goAway();
    }, DRAIN_IDLE_MS);
  }
}
