/** One unary call of our own to a builder, on a connection of its own; for small messages. */
import type { Builder } from "../farm/builder.js";
import { codeOfTrailers } from "./grpc-status.js";
import { ClientConnection } from "./http2/client-connection.js";
import type { StreamFailure, StreamHandler } from "./http2/stream.js";
import { headerValue } from "./http2/header-list.js";
import type { HeaderList } from "./http2/header-list.js";

/** What an answer may take before we give up on it. */
const RESPONSE_MAX_BYTES = 4 << 20;
const EMPTY_MESSAGE = Buffer.alloc(5);
/** Uncompressed flag and length before each message (gRPC over HTTP/2). */
const MESSAGE_PREFIX_BYTES = 5;

/**
 * Calls `path` with an empty message.
 *
 * @returns the answer's message.
 * @throws Error that says what went wrong, for people; also when `signal` aborts.
 */
export async function callWithEmptyMessage(builder: Builder, path: string, signal: AbortSignal): Promise<Buffer> {
  const socket = await builder.dial(signal);
  const connection = new ClientConnection(socket, { draining: () => undefined, closed: () => undefined });
  const abort = (): void => {
    connection.destroy("no answer in time");
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const headers = [":method", "POST", ":scheme", "http", ":path", path, ":authority", "localhost"];
      headers.push("content-type", "application/grpc", "te", "trailers", "user-agent", "memobuild");
      const answer = new UnaryAnswer(resolve, reject);
      const stream = connection.request(headers, answer);
      answer.consumed = (bytes) => {
        stream.consumed(bytes);
      };
      stream.write(EMPTY_MESSAGE);
      stream.end();
    });
  } finally {
    signal.removeEventListener("abort", abort);
    connection.destroy("done");
  }
}

class UnaryAnswer implements StreamHandler {
  readonly #resolve: (message: Buffer) => void;
  readonly #reject: (error: Error) => void;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  /** Gives window back. */
  consumed: (bytes: number) => void = () => undefined;

  constructor(resolve: (message: Buffer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  headers(headers: HeaderList, isEndStream: boolean): void {
    if (isEndStream) this.end(headers);
  }

  data(piece: Buffer): void {
    this.#bytes += piece.length;
    this.consumed(piece.length);
    if (this.#bytes > RESPONSE_MAX_BYTES) this.#reject(new Error("its answer is too large"));
    else this.#pieces.push(piece);
  }

  end(trailers: HeaderList | undefined): void {
    const code = codeOfTrailers(trailers ?? []);
    if (code === "OK") this.#resolve(Buffer.concat(this.#pieces).subarray(MESSAGE_PREFIX_BYTES));
    else this.#reject(new Error(`it answers ${code} ${headerValue(trailers ?? [], "grpc-message") ?? ""}`.trim()));
  }

  failed(failure: StreamFailure): void {
    this.#reject(new Error(failure.kind === "lost" ? failure.cause : `the call was ${failure.kind}`));
  }

  drain(): void {
    // The request is smaller than any window.
  }
}
