/** Which exports go so that the cache shrinks: the least recently used ones, and no more than it takes. */
import type { BlobReference } from "./cache-index.js";
import type { Digest } from "./digest.js";

export interface EvictionCandidate {
  readonly isPinned: boolean;
  readonly blobs: readonly BlobReference[];
}

export interface EvictionRules {
  readonly bytesToFree: number;
  readonly isHeld: (digest: Digest) => boolean;
  /**
   * Whether an export stays of which all blobs are held. Else it goes in its turn, so that no newer one has to go in
   * its place; the held blobs count as freed, and are for a later sweep.
   */
  readonly keepsInUse: boolean;
}

/** Candidates are asked for one by one, least recently used first. */
export class EvictionPlan {
  readonly #rules: EvictionRules;
  /** How many chosen exports refer to a blob, beyond what the index knows. */
  readonly #chosen = new Map<Digest, number>();
  #freedBytes = 0;
  #freedBlobs = 0;
  /** Of blobs that only chosen exports needed and that somebody holds. */
  #freedLaterBytes = 0;

  constructor(rules: EvictionRules) {
    this.#rules = rules;
  }

  /** Of blobs that only chosen exports needed and that nobody holds. */
  get freedBytes(): number {
    return this.#freedBytes;
  }

  get freedBlobs(): number {
    return this.#freedBlobs;
  }

  get isDone(): boolean {
    const { bytesToFree, keepsInUse } = this.#rules;
    return this.#freedBytes + (keepsInUse ? 0 : this.#freedLaterBytes) >= bytesToFree;
  }

  /** Whether the export goes. */
  choose({ isPinned, blobs }: EvictionCandidate): boolean {
    const { isHeld, keepsInUse } = this.#rules;
    if (this.isDone || isPinned) return false;
    if (keepsInUse && blobs.length > 0 && blobs.every(({ digest }) => isHeld(digest))) return false;
    for (const { digest, sizeBytes, exports } of blobs) {
      const chosen = (this.#chosen.get(digest) ?? 0) + 1;
      this.#chosen.set(digest, chosen);
      if (chosen < exports) continue;
      if (isHeld(digest)) {
        this.#freedLaterBytes += sizeBytes;
        continue;
      }
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
