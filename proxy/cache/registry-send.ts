/** Sends what the store gives, as fast as the client reads, within time limits; the last piece only when all is right. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { BlobReading } from "./blob-store.js";
import { digestOf, type Digest } from "./digest.js";
import type { Exchange } from "./registry-exchange.js";

/** A builder that waits for a layer to begin has no limit of its own. */
const FIRST_BYTE_TIMEOUT_MS = 5000;

/** Fires when the client has left, or when the store has given nothing in time. */
export class SendLimit {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  readonly #end: () => void;

  constructor({ response }: Exchange) {
    const controller = new AbortController();
    const abort = (): void => {
      controller.abort();
    };
    this.signal = controller.signal;
    this.#timer = setTimeout(abort, FIRST_BYTE_TIMEOUT_MS);
    response.once("close", abort);
    this.#end = () => response.off("close", abort);
  }

  /** The first byte is there. */
  began(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    this.began();
    this.#end();
  }
}

/** Reads a small blob into memory; it is whole only if it has the size of the reading. */
export async function readWhole({ bytes }: BlobReading, { signal }: SendLimit): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of untilLimit(bytes, signal)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Sends the whole blob. False, and the connection is cut, when the bytes are not those of the digest. */
export async function sendWhole(
  exchange: Exchange,
  digest: Digest,
  { bytes }: BlobReading,
  limit: SendLimit,
): Promise<boolean> {
  const hash = createHash("sha256");
  return send(exchange, bytes, limit, {
    take: (piece) => hash.update(piece),
    isRight: () => digestOf(hash) === digest,
  });
}

/** Sends a part, which nothing but its size can be asked of. */
export async function sendPart(
  exchange: Exchange,
  sizeBytes: number,
  { bytes }: BlobReading,
  limit: SendLimit,
): Promise<boolean> {
  let takenBytes = 0;
  return send(exchange, bytes, limit, {
    take: (piece) => (takenBytes += piece.length),
    isRight: () => takenBytes === sizeBytes,
  });
}

interface Check {
  readonly take: (piece: Uint8Array) => unknown;
  readonly isRight: () => boolean;
}

async function send(exchange: Exchange, bytes: BlobReading["bytes"], limit: SendLimit, check: Check): Promise<boolean> {
  const { response, metrics } = exchange;
  exchange.limitIdle();
  let held: Uint8Array = Buffer.alloc(0);
  for await (const piece of untilLimit(bytes, limit.signal)) {
    limit.began();
    check.take(piece);
    if (held.length > 0 && !response.write(held)) await once(response, "drain", { signal: limit.signal });
    metrics.sent(held.length);
    held = piece;
  }
  if (!check.isRight()) {
    exchange.cut();
    return false;
  }
  metrics.sent(held.length);
  response.end(held);
  return true;
}

async function* untilLimit(bytes: BlobReading["bytes"], signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  const stop = (): void => {
    bytes.destroy(new Error("the client has left, or the store took too long"));
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  const pieces: AsyncIterable<Uint8Array> = bytes;
  try {
    yield* pieces;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
