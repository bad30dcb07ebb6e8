/** An upload in several requests: their bodies, one after the other, become one put whose digest comes last. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { BlobError, type ExpectedDigest } from "./blob-store.js";
import type { Digest } from "./digest.js";

/** Between two requests. */
const IDLE_TIMEOUT_MS = 10 * 60_000;

type Store = (expected: ExpectedDigest, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;

export class ChunkedUpload {
  readonly id: string = randomBytes(16).toString("hex");
  readonly #store: Store;
  readonly #forget: () => void;
  readonly #stop = new AbortController();
  readonly #pieces = new PassThrough();
  readonly #timer: NodeJS.Timeout;
  #offset = 0;
  #isBusy = false;
  #stored: Promise<void> | undefined;
  #digest: Digest | undefined;

  /** @param forget called once, when the upload has ended in any way */
  constructor(store: Store, forget: () => void) {
    this.#store = store;
    this.#forget = forget;
    this.#timer = setTimeout(() => {
      this.abort();
    }, IDLE_TIMEOUT_MS).unref();
  }

  /** Bytes received. */
  get offset(): number {
    return this.#offset;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** A body that does not come to its end ends the upload: what part of it arrived is not worth telling apart. */
  async append(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const { signal } = this.#stop;
    this.#isBusy = true;
    this.#stored ??= this.#begin();
    try {
      for await (const piece of bytes) {
        signal.throwIfAborted();
        this.#offset += piece.length;
        if (!this.#pieces.write(piece)) await once(this.#pieces, "drain", { signal });
      }
    } catch (error) {
      this.abort();
      // What ended it may be the store.
      await this.#stored;
      throw error;
    } finally {
      this.#isBusy = false;
    }
    this.#timer.refresh();
  }

  /** @throws BlobError */
  async finish(digest: Digest): Promise<void> {
    this.#digest = digest;
    this.#stored ??= this.#begin();
    this.#pieces.end();
    try {
      await this.#stored;
    } finally {
      this.abort();
    }
  }

  /** Nothing is left of it, unless it is stored. */
  abort(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
    this.#pieces.destroy();
    this.#forget();
  }

  #begin(): Promise<void> {
    const expected = (): Digest => {
      if (this.#digest === undefined) throw new BlobError("aborted", "the upload was not finished");
      return this.#digest;
    };
    const stored = this.#store(expected, this.#pieces, this.#stop.signal);
    // Who waits for a piece to be taken has to learn that nobody takes it; the failure itself is told by `finish`.
    stored.catch(() => {
      this.abort();
    });
    return stored;
  }
}
