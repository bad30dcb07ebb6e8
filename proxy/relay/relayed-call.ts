/** One call: its client's stream and its builder's stream, and the bytes, half-closes and resets between them. */
import type { OutgoingHttpHeaders, ServerHttp2Stream, ServerStreamResponseOptions } from "node:http2";
import { codeOfReset, codeOfTrailers, statusHeaders, trailersOnly } from "./grpc-status.js";
import type { GrpcCode } from "./grpc-status.js";
import type { ClientConnection } from "./http2/client-connection.js";
import type { ClientStream, StreamFailure, StreamHandler } from "./http2/client-stream.js";
import { ErrorCode } from "./http2/frame.js";
import type { HeaderList } from "./http2/header-list.js";

/** Told what happens on a call; times are left to it. */
export interface CallObserver {
  /** The request headers were sent to the builder. */
  forwarded(): void;
  bytesToBuilder(bytes: number): void;
  bytesToClient(bytes: number): void;
  /** Called once, last. */
  ended(code: GrpcCode): void;
}

/** Of one connection only, never of a message; HTTP/2 forbids them and Node throws on them (RFC 9113 §8.2.2). */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

export interface CallRequest {
  /** As the client sent them, pseudo-headers first. */
  readonly headers: HeaderList;
  /** Names that the client marked as never to be indexed. */
  readonly neverIndexed: readonly string[];
}

/** Forwards a call; it lives until both of its streams have ended. */
export class RelayedCall implements StreamHandler {
  readonly #client: ServerHttp2Stream;
  readonly #observer: CallObserver;
  readonly #builder: string;
  readonly #upstream: ClientStream;
  #trailers: HeaderList | undefined;
  /** Written to the client's stream while that asked to wait; given back to the builder when it has drained. */
  #undrainedBytes = 0;
  #code: GrpcCode | undefined;
  #isUpstreamDone = false;

  /** @param builder the address of the builder, for messages to the client. */
  constructor(
    client: ServerHttp2Stream,
    request: CallRequest,
    connection: ClientConnection,
    builder: string,
    observer: CallObserver,
  ) {
    this.#client = client;
    this.#observer = observer;
    this.#builder = builder;
    this.#upstream = connection.request(request.headers, request.neverIndexed, this);
    observer.forwarded();
    client.on("data", (piece: Buffer) => {
      observer.bytesToBuilder(piece.length);
      if (!this.#upstream.write(piece)) client.pause();
    });
    client.on("end", () => {
      // A stream that was reset may end too, but a reset is not a half-close.
      if (!client.closed || client.rstCode === ErrorCode.NoError) this.#upstream.end();
    });
    client.on("drain", () => {
      this.#returnWindow();
    });
    client.on("wantTrailers", () => {
      this.#sendTrailers();
    });
    client.on("error", () => undefined); // "close" follows and tells the code
    client.on("close", () => {
      this.#clientClosed();
    });
  }

  // StreamHandler: what the builder answers

  headers(headers: HeaderList, isEndStream: boolean): void {
    if (isEndStream) this.#upstreamDone(codeOfTrailers(headers));
    if (!this.#isClientOpen()) return;
    // Trailers-only stays one HEADERS frame; other headers go out now, not with the first message.
    this.#orReset(() => {
      respond(this.#client, outgoing(headers), isEndStream);
    });
  }

  data(piece: Buffer): void {
    this.#observer.bytesToClient(piece.length);
    if (!this.#isClientOpen()) return;
    if (this.#client.write(piece)) this.#upstream.consumed(piece.length);
    else this.#undrainedBytes += piece.length;
  }

  end(trailers: HeaderList | undefined): void {
    this.#upstreamDone(codeOfTrailers(trailers ?? []));
    this.#trailers = trailers ?? [];
    if (this.#isClientOpen()) this.#client.end();
  }

  failed(failure: StreamFailure): void {
    this.#client.resume(); // the rest of the request goes nowhere, but must not hold the stream open
    switch (failure.kind) {
      case "reset":
        this.#upstreamDone(codeOfReset(failure.code));
        this.#resetClient(failure.code);
        break;
      case "unprocessed":
        // gRPC clients make a refused call again by themselves; it then goes to a new connection.
        this.#upstreamDone("UNAVAILABLE");
        this.#resetClient(ErrorCode.RefusedStream);
        break;
      case "lost":
        this.#upstreamDone("UNAVAILABLE");
        this.#answerLost(failure.cause);
        break;
    }
  }

  drain(): void {
    this.#client.resume();
  }

  #answerLost(cause: string): void {
    if (!this.#isClientOpen()) return;
    if (this.#client.headersSent) {
      this.#trailers ??= Object.entries(statusHeaders("UNAVAILABLE", lostMessage(this.#builder, cause))).flat();
      this.#client.end();
      return;
    }
    answerUnavailable(this.#client, this.#builder, cause);
  }

  #resetClient(code: number): void {
    const client = this.#client;
    // A builder that has answered in full may reset, to say that it wants no more of the request. Passed on, that
    // could overtake our trailers inside Node, and gRPC clients end their side anyway when they have their answer.
    if (!this.#isClientOpen()) return;
    const reset = (): void => {
      client.close(code);
    };
    // What was written before the reset still reaches a client that reads.
    if (client.headersSent && client.writableLength > 0) client.once("drain", reset);
    else reset();
  }

  #sendTrailers(): void {
    if (this.#client.destroyed) return;
    this.#orReset(() => {
      this.#client.sendTrailers(outgoing(this.#trailers ?? []));
    });
  }

  /** Node refuses headers that HTTP does not allow: then the answer cannot be passed on, and only this call ends. */
  #orReset(send: () => void): void {
    try {
      send();
    } catch {
      this.#code = "INTERNAL";
      this.#upstream.reset(ErrorCode.ProtocolError);
      this.#client.close(ErrorCode.InternalError);
    }
  }

  #returnWindow(): void {
    const bytes = this.#undrainedBytes;
    this.#undrainedBytes = 0;
    if (bytes > 0) this.#upstream.consumed(bytes);
  }

  #clientClosed(): void {
    if (!this.#isUpstreamDone) {
      const code = this.#client.rstCode;
      // No code means that the connection went: for the builder the same as a cancel.
      this.#code ??= "CANCELLED";
      this.#upstream.reset(code === ErrorCode.NoError ? ErrorCode.Cancel : code);
    } else {
      this.#upstream.reset(ErrorCode.Cancel);
    }
    this.#observer.ended(this.#code ?? "UNKNOWN");
  }

  #upstreamDone(code: GrpcCode): void {
    this.#isUpstreamDone = true;
    this.#code ??= code;
  }

  #isClientOpen(): boolean {
    return !this.#client.destroyed && !this.#client.closed && !this.#client.writableEnded;
  }
}

/** Fails a call that no builder has seen: UNAVAILABLE, with the builder's address and the cause. */
export function answerUnavailable(client: ServerHttp2Stream, builder: string, cause: string): void {
  if (client.destroyed || client.closed) return;
  respond(client, trailersOnly("UNAVAILABLE", lostMessage(builder, cause)), true);
}

/** Sends exactly `headers`: Node would add a `date` that the builder did not send. */
function respond(client: ServerHttp2Stream, headers: OutgoingHttpHeaders, isEndStream: boolean): void {
  const options: ServerStreamResponseOptions & { readonly sendDate: boolean } = {
    endStream: isEndStream,
    waitForTrailers: !isEndStream,
    sendDate: false, // missing in Node's types
  };
  client.respond(headers, options);
}

function lostMessage(builder: string, cause: string): string {
  return `memobuild: builder ${builder}: ${cause}`;
}

/** For Node's HTTP/2 server: repeated names become arrays, because it would join or drop them otherwise. */
function outgoing(headers: HeaderList): OutgoingHttpHeaders {
  const result: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    if (CONNECTION_HEADERS.has(name)) continue;
    const earlier = result[name];
    if (earlier === undefined) result[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else result[name] = [earlier, value];
  }
  return result;
}
