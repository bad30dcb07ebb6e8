/** Compares index and store, and heals what disagrees. */
import { setTimeout as rest } from "node:timers/promises";
import type { BlobHealer } from "./blob-healer.js";
import type { BlobStat, BlobStore } from "./blob-store.js";
import type { VerifyProgress, VerifyResult } from "./cache-admin.js";
import type { CacheIndex, IndexedBlob } from "./cache-index.js";
import type { Digest } from "./digest.js";
import { WorkSlices } from "./work-slices.js";

/** Blobs that are asked for at once: some milliseconds of work. */
const PAGE_BLOBS = 250;
const PROGRESS_INTERVAL_MS = 200;

export interface VerifyParts {
  readonly index: CacheIndex;
  readonly store: BlobStore;
  readonly healer: BlobHealer;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export interface VerifyOptions {
  /** Read every blob; else only those that changed since they were read last, or that nobody knows. */
  readonly isThorough: boolean;
  /** Rest after each blob for as long as it took to read. */
  readonly isGentle: boolean;
  readonly onProgress: (progress: VerifyProgress) => void;
}

/** Rejects when the signal is aborted, or when index or store fail; what was healed until then stays so. */
export async function verifyCache(
  parts: VerifyParts,
  options: VerifyOptions,
  signal: AbortSignal,
): Promise<VerifyResult> {
  return new Verification(parts, options, signal).run();
}

class Verification {
  readonly #parts: VerifyParts;
  readonly #options: VerifyOptions;
  readonly #signal: AbortSignal;
  readonly #slices: WorkSlices;
  readonly #counts = { checkedBlobs: 0, checkedBytes: 0, totalBlobs: 0, missing: 0, corrupt: 0, adopted: 0 };
  #toldAtMs = -Infinity;

  constructor(parts: VerifyParts, options: VerifyOptions, signal: AbortSignal) {
    this.#parts = parts;
    this.#options = options;
    this.#signal = signal;
    this.#slices = new WorkSlices(parts.now);
  }

  async run(): Promise<VerifyResult> {
    this.#counts.totalBlobs = (await this.#parts.index.totals()).blobs;
    await this.#checkIndex();
    await this.#checkStore();
    this.#tell(true);
    return { ...this.#counts };
  }

  async #checkIndex(): Promise<void> {
    const { index, store } = this.#parts;
    let after: Digest | undefined;
    for (;;) {
      const page = await index.blobsAfter(after, PAGE_BLOBS);
      if (page.length === 0) return;
      after = page.at(-1)?.digest;
      for (const blob of page) {
        if (this.#isSuspect(blob, await store.stat(blob.digest))) await this.#recheck(blob.digest);
        await this.#checked(blob.sizeBytes);
      }
    }
  }

  async #checkStore(): Promise<void> {
    const { index, store } = this.#parts;
    let page = new Map<Digest, number>();
    const checkPage = async (): Promise<void> => {
      const known = await index.blobs([...page.keys()]);
      for (const [digest, sizeBytes] of page) {
        if (known.has(digest)) continue;
        if ((await this.#recheck(digest)) === "sound") this.#counts.adopted += 1;
        this.#counts.totalBlobs += 1;
        await this.#checked(sizeBytes);
      }
      page = new Map();
    };
    for await (const { digest, sizeBytes } of store.list()) {
      page.set(digest, sizeBytes);
      if (page.size >= PAGE_BLOBS) await checkPage();
      await this.#slices.breathe();
      this.#signal.throwIfAborted();
    }
    await checkPage();
  }

  #isSuspect({ sizeBytes, version }: IndexedBlob, stat: BlobStat | undefined): boolean {
    return this.#options.isThorough || stat?.version !== version || stat.sizeBytes !== sizeBytes;
  }

  async #recheck(digest: Digest): Promise<string> {
    const startedMs = this.#parts.now();
    const found = await this.#parts.healer.recheck(digest, this.#signal);
    if (found !== "sound") this.#counts[found] += 1;
    if (this.#options.isGentle) await rest(this.#parts.now() - startedMs, undefined, { signal: this.#signal });
    return found;
  }

  async #checked(bytes: number): Promise<void> {
    this.#counts.checkedBlobs += 1;
    this.#counts.checkedBytes += bytes;
    this.#tell(false);
    await this.#slices.breathe();
    this.#signal.throwIfAborted();
  }

  #tell(isLast: boolean): void {
    const nowMs = this.#parts.now();
    if (!isLast && nowMs - this.#toldAtMs < PROGRESS_INTERVAL_MS) return;
    this.#toldAtMs = nowMs;
    const { checkedBlobs, checkedBytes, totalBlobs } = this.#counts;
    this.#options.onProgress({ checkedBlobs, checkedBytes, totalBlobs });
  }
}
