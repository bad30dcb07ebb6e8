/** Which exports go so that the cache shrinks: the least recently used ones, and no more than it takes. */
import type { BlobReference } from "./cache-index.js";
import type { Digest } from "./digest.js";

export interface EvictionCandidate {
  readonly isPinned: boolean;
  readonly blobs: readonly BlobReference[];
}

/** Candidates are asked for one by one, least recently used first. */
export class EvictionPlan {
  readonly #bytesToFree: number;
  readonly #isHeld: (digest: Digest) => boolean;
  /** How many chosen exports refer to a blob, beyond what the index knows. */
  readonly #chosen = new Map<Digest, number>();
  #freedBytes = 0;
  #freedBlobs = 0;

  constructor(bytesToFree: number, isHeld: (digest: Digest) => boolean) {
    this.#bytesToFree = bytesToFree;
    this.#isHeld = isHeld;
  }

  /** Of blobs that only chosen exports needed and that nobody holds. */
  get freedBytes(): number {
    return this.#freedBytes;
  }

  get freedBlobs(): number {
    return this.#freedBlobs;
  }

  get isDone(): boolean {
    return this.#freedBytes >= this.#bytesToFree;
  }

  /** Whether the export goes. One of which all blobs are held is in use. */
  choose({ isPinned, blobs }: EvictionCandidate): boolean {
    if (this.isDone || isPinned) return false;
    if (blobs.length > 0 && blobs.every(({ digest }) => this.#isHeld(digest))) return false;
    for (const { digest, sizeBytes, exports } of blobs) {
      const chosen = (this.#chosen.get(digest) ?? 0) + 1;
      this.#chosen.set(digest, chosen);
      if (chosen < exports || this.#isHeld(digest)) continue;
      this.#freedBytes += sizeBytes;
      this.#freedBlobs += 1;
    }
    return true;
  }

  /** The chosen ones were removed: what the index says from now on is without them. */
  removed(): void {
    this.#chosen.clear();
  }
}
