/** Reads blobs again, and forgets those that are lost or bad. */
import { createHash } from "node:crypto";
import type { Logger } from "../log/create-logger.js";
import type { BlobHolds } from "./blob-holds.js";
import type { BlobStat, BlobStore } from "./blob-store.js";
import type { CacheIndex, CacheScope } from "./cache-index.js";
import { digestOf, type Digest } from "./digest.js";
import type { QuarantineReason, RetentionMetrics } from "./retention-metrics.js";
import { Turns } from "./turns.js";

export interface BlobHealerParts {
  readonly index: CacheIndex;
  readonly store: BlobStore;
  readonly holds: BlobHolds;
  readonly metrics: RetentionMetrics;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export type Recheck = "sound" | QuarantineReason;

/** Read at the same time: after a store was copied, all blobs are to be read again. */
const READING_MAX = 2;

export class BlobHealer {
  readonly #parts: BlobHealerParts;
  readonly #running = new Map<Digest, Promise<Recheck>>();
  readonly #turns = new Turns(READING_MAX);

  constructor(parts: BlobHealerParts) {
    this.#parts = parts;
  }

  /**
   * Reads the blob now: a sound one is in the index afterwards, with the version that was read; any other one is in
   * neither store nor index. Who asks while it is read shares the answer, and the signal of who asked first.
   */
  async recheck(digest: Digest, signal: AbortSignal): Promise<Recheck> {
    const running = this.#running.get(digest);
    if (running !== undefined) return running;
    const recheck = this.#turns
      .take(signal, () => this.#recheckHeld(digest, signal))
      .finally(() => this.#running.delete(digest));
    this.#running.set(digest, recheck);
    return recheck;
  }

  /** Deletes the blob and what needs it. Returns the scopes that lost results. */
  async quarantine(digest: Digest, reason: QuarantineReason): Promise<readonly CacheScope[]> {
    const { store, index, metrics, logger } = this.#parts;
    // First the index: what nobody is told of may lie in the store, but not the other way round.
    const scopes = await index.dropBlob(digest);
    await store.delete(digest);
    metrics.quarantined(reason);
    logger.warn({ digest, reason, scopes: scopes.length }, "cache blob was dropped");
    return scopes;
  }

  async #recheckHeld(digest: Digest, signal: AbortSignal): Promise<Recheck> {
    // Else retention could delete it between the reading and the entry in the index.
    const release = this.#parts.holds.hold(digest);
    if (release === undefined) return "missing";
    try {
      return await this.#recheck(digest, signal);
    } finally {
      release();
    }
  }

  async #recheck(digest: Digest, signal: AbortSignal): Promise<Recheck> {
    const { store, index, now } = this.#parts;
    const read = await this.#read(digest, signal);
    if (read === undefined) {
      if ((await index.blob(digest)) !== undefined) await this.quarantine(digest, "missing");
      return "missing";
    }
    if (read.digest === digest) {
      const known = await index.blob(digest);
      if (known?.version !== read.version || known.sizeBytes !== read.sizeBytes) {
        await index.addBlob(digest, read, now());
      }
      return "sound";
    }
    // Somebody may have stored it anew while the old bytes were read.
    if ((await store.stat(digest))?.version === read.version) await this.quarantine(digest, "corrupt");
    return "corrupt";
  }

  async #read(digest: Digest, signal: AbortSignal): Promise<(BlobStat & { readonly digest: Digest }) | undefined> {
    const reading = await this.#parts.store.get(digest, undefined, signal);
    if (reading === undefined) return undefined;
    const hash = createHash("sha256");
    for await (const piece of reading.bytes as AsyncIterable<Uint8Array>) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    return { sizeBytes: reading.sizeBytes, version: reading.version, digest: digestOf(hash) };
  }
}
