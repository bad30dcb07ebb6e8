/** Takes blobs from clients into the store and the index; the same blob from two clients at once only once. */
import type { BlobError } from "./blob-store.js";
import { type BlobStat, type BlobStore, type ExpectedDigest } from "./blob-store.js";
import type { CacheIndex } from "./cache-index.js";
import type { Digest } from "./digest.js";
import type { Exchange } from "./registry-exchange.js";
import { UploadsInFlight } from "./registry-in-flight.js";
import type { RegistryMetrics } from "./registry-metrics.js";

export interface UploadDeps {
  readonly store: BlobStore;
  readonly index: Pick<CacheIndex, "addBlob" | "blob">;
  readonly metrics: RegistryMetrics;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** An upload of so many bytes, 0 where that is not known, was refused because there is no room. */
  readonly onNoSpace: (bytes: number) => void;
}

export class Uploads {
  readonly #deps: UploadDeps;
  readonly #inFlight = new UploadsInFlight();

  constructor(deps: UploadDeps) {
    this.#deps = deps;
  }

  /** The stored blob, if its bytes were verified and nobody wrote to them since. */
  async known(digest: Digest): Promise<BlobStat | undefined> {
    const stat = await this.#deps.store.stat(digest);
    if (stat === undefined) return undefined;
    const indexed = await this.#deps.index.blob(digest);
    return indexed?.sizeBytes === stat.sizeBytes && indexed.version === stat.version ? stat : undefined;
  }

  /** Like `known`, waiting for an upload by somebody else. Undefined asks the owner to upload: others now wait for it. */
  async knownOrAnnounced(digest: Digest, owner: object, signal: AbortSignal): Promise<BlobStat | undefined> {
    for (;;) {
      const stat = await this.known(digest);
      if (stat !== undefined || signal.aborted) return stat;
      const other = this.#inFlight.find(digest);
      if (other === undefined) this.#inFlight.announce(digest, owner);
      if (other === undefined || other.owner === owner) return undefined;
      if (await other.ended) this.#deps.metrics.deduplicated();
    }
  }

  /** What the owner announced and did not begin will not come. */
  disown(owner: object): void {
    this.#inFlight.disown(owner);
  }

  /** Stores the request's body, or lets it go by when somebody else stored the blob meanwhile. @throws BlobError */
  async receive(exchange: Exchange, digest: Digest, owner: object, signal: AbortSignal): Promise<void> {
    for (let other = this.#inFlight.find(digest); other?.isRunning === true; other = this.#inFlight.find(digest)) {
      if (!(await other.ended)) continue;
      await this.#drain(exchange);
      this.#deps.metrics.deduplicated();
      return;
    }
    const upload = this.#inFlight.begin(digest, owner);
    let isStored = false;
    try {
      const bytes = this.body(exchange, () => {
        upload.progress();
      });
      await this.store(digest, bytes, exchange.contentLength, signal);
      isStored = true;
    } finally {
      upload.end(isStored);
    }
  }

  /** The request's body, counted. */
  async *body(exchange: Exchange, onProgress: () => void = () => undefined): AsyncGenerator<Uint8Array, void> {
    for await (const piece of exchange.body()) {
      this.#deps.metrics.received(piece.length);
      onProgress();
      yield piece;
    }
  }

  /** @throws BlobError */
  async store(
    expected: ExpectedDigest,
    bytes: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const stat = await this.#deps.store.put(expected, bytes, sizeBytes, signal);
    const digest = typeof expected === "string" ? expected : expected();
    await this.#deps.index.addBlob(digest, stat, this.#deps.now());
  }

  /** Answers what a client can do something about; cuts the connection of one that has stopped. */
  refuse(exchange: Exchange, { code, message }: BlobError): void {
    switch (code) {
      case "digest_mismatch":
        exchange.error(400, "DIGEST_INVALID", message);
        return;
      case "size_mismatch":
        exchange.error(400, "SIZE_INVALID", message);
        return;
      case "no_space":
        this.#deps.onNoSpace(exchange.contentLength ?? 0);
        exchange.error(507, "DENIED", message);
        return;
      case "aborted":
        exchange.cut();
    }
  }

  async #drain(exchange: Exchange): Promise<void> {
    for await (const piece of exchange.body()) this.#deps.metrics.drained(piece.length);
  }
}
