/** One client's HTTP/2 connection: its settings, its calls, and how it ends. */
import { performServerHandshake, sensitiveHeaders } from "node:http2";
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream, ServerOptions } from "node:http2";
import type { Duplex } from "node:stream";
import { methodOfPath } from "../buildkit/methods.js";
import type { Builder } from "../farm/builder.js";
import type { Logger } from "../log/create-logger.js";
import { BuilderLink } from "./builder-link.js";
import { answerUnavailable, RelayedCall } from "./relayed-call.js";
import type { CallObserver, CallRequest } from "./relayed-call.js";
import type { RelayMetrics } from "./relay-metrics.js";

/** What a client may send on one stream, and on all together, before it was written to the builder. */
const STREAM_WINDOW_BYTES = 1 << 20;
const CONNECTION_WINDOW_BYTES = 8 << 20;
/** As grpc-go: what a header list may take. */
const HEADER_LIST_MAX_BYTES = 16 << 20;
/** buildkitd sets no limit; this one bounds what one connection can make us hold. */
const CONCURRENT_STREAMS_MAX = 10_000;
/** Resets by the client: so many at once and so many per second, then the connection is closed (CVE-2023-44487). */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 100;
/** A client between two calls, when we are asked to stop, may be in the middle of its preparations for a build. */
const DRAIN_IDLE_MS = 1_000;

const SESSION_OPTIONS: ServerOptions & { readonly streamResetBurst: number; readonly streamResetRate: number } = {
  settings: {
    initialWindowSize: STREAM_WINDOW_BYTES,
    maxHeaderListSize: HEADER_LIST_MAX_BYTES,
    maxConcurrentStreams: CONCURRENT_STREAMS_MAX,
  },
  // Node's default of 128 header pairs resets the Session call of a client that serves many methods.
  maxHeaderListPairs: 10_000,
  // Trailers carry whole Dockerfiles (grpc-status-details-bin).
  maxSendHeaderBlockLength: HEADER_LIST_MAX_BYTES,
  // In MB. Memory is bounded by the windows; below this Node would refuse streams of a busy bake.
  maxSessionMemory: 256,
  streamResetBurst: RESET_BURST, // both missing in Node's types
  streamResetRate: RESETS_PER_SECOND,
};

/** Node's types leave out the last. */
type StreamEvent = [stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]];

export interface ClientSessionDeps {
  readonly builder: Builder;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
}

export class ClientSession {
  readonly #session: ServerHttp2Session;
  readonly #link: BuilderLink;
  readonly #deps: ClientSessionDeps;
  #callsInFlight = 0;
  #isDraining = false;
  #idleTimer: NodeJS.Timeout | undefined;

  /** Takes over a socket whose next bytes are the client's preface. */
  constructor(socket: Duplex, deps: ClientSessionDeps, onClosed: (session: ClientSession) => void) {
    this.#deps = deps;
    this.#link = new BuilderLink(deps.builder, deps.metrics, deps.logger);
    this.#session = performServerHandshake(socket, SESSION_OPTIONS);
    this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // The first call will need it; if there is none, that call is told.
    this.#link.connect().catch(() => undefined);
    deps.metrics.connectionOpened("client");
    this.#session.on("stream", (...[stream, headers, , rawHeaders]: StreamEvent) => {
      this.#call(stream, headers, rawHeaders);
    });
    // A client that drops its socket, as buildx does at every exit, is reported as an error too.
    this.#session.on("error", (error: Error) => {
      deps.logger.debug({ cause: error.message }, "client connection failed");
    });
    this.#session.on("close", () => {
      clearTimeout(this.#idleTimer);
      this.#link.close();
      deps.metrics.connectionClosed("client");
      onClosed(this);
    });
  }

  /** Lets calls end; GOAWAY goes out when the client has had none for a moment, because a build makes many in turn. */
  drain(): void {
    this.#isDraining = true;
    this.#closeWhenIdle();
  }

  /** Ends all calls now. */
  destroy(): void {
    this.#session.destroy();
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
    const observer = this.#track(this.#deps.metrics.call(methodOfPath(headers[":path"])));
    const request: CallRequest = { headers: rawHeaders, neverIndexed: neverIndexedNames(headers) };
    const { address } = this.#link.builder;
    const ready = this.#link.ready;
    if (ready !== undefined) {
      new RelayedCall(stream, request, ready, address, observer);
      return;
    }
    this.#callLater(stream, request, observer);
  }

  /** Until there is a connection the client's stream is not read, so that its window holds it back. */
  #callLater(stream: ServerHttp2Stream, request: CallRequest, observer: CallObserver): void {
    const { address } = this.#link.builder;
    const ignoreError = (): void => undefined; // "close" follows
    const left = (): void => {
      observer.ended("CANCELLED");
    };
    stream.on("error", ignoreError);
    stream.once("close", left);
    this.#link.connect().then(
      (connection) => {
        if (stream.destroyed || stream.closed) return;
        stream.off("close", left);
        stream.off("error", ignoreError);
        new RelayedCall(stream, request, connection, address, observer);
      },
      (error: unknown) => {
        if (stream.destroyed || stream.closed) return;
        stream.off("close", left);
        stream.once("close", () => {
          observer.ended("UNAVAILABLE");
        });
        answerUnavailable(stream, address, error instanceof Error ? error.message : String(error));
      },
    );
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
      if (this.#callsInFlight === 0) this.#session.close();
    }, DRAIN_IDLE_MS);
  }
}

/** Names that the client marked as never to be indexed; Node keeps them beside the headers under a symbol. */
function neverIndexedNames(headers: IncomingHttpHeaders): readonly string[] {
  const names: unknown = Reflect.get(headers, sensitiveHeaders);
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}
