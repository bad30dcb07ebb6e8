/** gRPC calls of our own, over any socket on which a server expects HTTP/2. */
import type { Duplex } from "node:stream";
import { codeOfReset, codeOfTrailers } from "./grpc-status.js";
import type { GrpcCode } from "./grpc-status.js";
import { ClientConnection } from "./http2/client-connection.js";
import { ErrorCode } from "./http2/frame.js";
import { headerValue } from "./http2/header-list.js";
import type { HeaderList } from "./http2/header-list.js";
import type { Stream, StreamFailure, StreamHandler } from "./http2/stream.js";
import { frameMessage, MessageReader } from "./message.js";

/** A call that did not end with OK. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly code: GrpcCode;
  /** The server's own words, where the status came from it. */
  readonly statusMessage: string | undefined;

  constructor(code: GrpcCode, message: string, statusMessage?: string) {
    super(message);
    this.code = code;
    this.statusMessage = statusMessage;
  }
}

export interface CallOptions {
  /** Names and values of request metadata, in turn. */
  readonly metadata?: HeaderList;
  /** Ends the call: the server sees it cancelled. */
  readonly signal: AbortSignal;
}

export class GrpcClient {
  readonly #connection: ClientConnection;

  /** Takes over a connected socket. @param onClosed called once, with a cause fit for people. */
  constructor(socket: Duplex, onClosed: (cause: string) => void = () => undefined) {
    this.#connection = new ClientConnection(socket, { draining: () => undefined, closed: onClosed });
  }

  /** @returns the answer's message. @throws GrpcError */
  async unary(path: string, message: Uint8Array, options: CallOptions): Promise<Buffer> {
    let answer: Buffer | undefined;
    await this.serverStream(path, message, options, (received) => {
      answer = received;
    });
    if (answer === undefined) throw new GrpcError("INTERNAL", "it answered without a message");
    return answer;
  }

  /**
   * Resolves when the server ended the call with OK. A promise that `onMessage` returns slows the server down, and its
   * rejection ends the call.
   *
   * @throws GrpcError
   */
  async serverStream(
    path: string,
    message: Uint8Array,
    { metadata = [], signal }: CallOptions,
    onMessage: (message: Buffer) => unknown,
  ): Promise<void> {
    const call = new OwnCall(onMessage);
    const headers = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost"];
    headers.push("content-type", "application/grpc", "te", "trailers", "user-agent", "memobuild", ...metadata);
    call.start(this.#connection, headers, message);
    const abort = (): void => {
      call.cancel();
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    try {
      await call.ended;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Sends a ping; whether it is answered in time, see `Connection`. */
  isAnswered(timeoutMs: number): Promise<boolean> {
    return this.#connection.isAnswered(timeoutMs);
  }

  /** Calls under way are cancelled. */
  close(): void {
    this.#connection.destroy("done");
  }
}

class OwnCall implements StreamHandler {
  readonly ended: Promise<void>;
  readonly #reader = new MessageReader();
  readonly #onMessage: (message: Buffer) => unknown;
  /** What came is dealt with. */
  #taken: Promise<unknown> = Promise.resolve();
  /** Pieces that wait for it, and hold window. */
  #takingCount = 0;
  #stream: Stream | undefined;
  #settle: { readonly resolve: () => void; readonly reject: (error: GrpcError) => void } | undefined;

  constructor(onMessage: (message: Buffer) => unknown) {
    this.#onMessage = onMessage;
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  start(connection: ClientConnection, headers: HeaderList, message: Uint8Array): void {
    this.#stream = connection.request(headers, this);
    this.#stream.write(frameMessage(message));
    this.#stream.end();
  }

  cancel(): void {
    this.#stream?.reset(ErrorCode.Cancel);
    this.#settle?.reject(new GrpcError("CANCELLED", "the call was cancelled"));
  }

  headers(headers: HeaderList, isEndStream: boolean): void {
    if (isEndStream) this.end(headers);
  }

  data(piece: Buffer): void {
    try {
      const taking = this.#reader.push(piece).map((message) => this.#onMessage(message));
      const isTaken = this.#takingCount === 0 && taking.every((taken) => taken === undefined);
      if (isTaken) this.#stream?.consumed(piece.length);
      else this.#take(piece.length, taking);
    } catch (error) {
      this.#unreadable(error);
    }
    if (!this.#reader.isLegible) this.#fail("its answer is compressed, or too large");
  }

  end(trailers: HeaderList | undefined): void {
    const code = codeOfTrailers(trailers ?? []);
    if (code === "OK") void this.#taken.then(() => this.#settle?.resolve());
    else {
      const message = decodeMessage(headerValue(trailers ?? [], "grpc-message") ?? "");
      this.#settle?.reject(new GrpcError(code, `it answers ${code} ${message}`.trim(), message));
    }
  }

  failed(failure: StreamFailure): void {
    if (failure.kind === "lost") this.#settle?.reject(new GrpcError("UNAVAILABLE", failure.cause));
    else if (failure.kind === "reset") {
      this.#settle?.reject(new GrpcError(codeOfReset(failure.code), "the call was reset"));
    } else this.#settle?.reject(new GrpcError("UNAVAILABLE", "it takes no new calls"));
  }

  /** The window of `bytes` returns to the server when what came in them, and before, is dealt with. */
  #take(bytes: number, taking: readonly unknown[]): void {
    this.#takingCount++;
    this.#taken = Promise.all([this.#taken, ...taking]).then(
      () => {
        this.#takingCount--;
        this.#stream?.consumed(bytes);
      },
      (error: unknown) => {
        this.#unreadable(error);
      },
    );
  }

  #unreadable(error: unknown): void {
    this.#fail(`its answer cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }

  #fail(message: string): void {
    this.#stream?.reset(ErrorCode.Cancel);
    this.#settle?.reject(new GrpcError("INTERNAL", message));
  }

  drain(): void {
    // The request is one message, which the stream keeps until there is room.
  }
}

/** `grpc-message` is percent-encoded; what is not, is left as it is. */
function decodeMessage(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
