/** Which blobs are in use by a token, a reader or a writer: retention deletes none of them. */
import type { Digest } from "./digest.js";

/** Lets go of what it held; more than once does no harm. */
export type Release = () => void;

/**
 * A blob is held, condemned or neither. Both happen in one turn of the event loop, so that a blob is never announced
 * as present after its deletion was decided, and never deleted after it was announced.
 */
export class BlobHolds {
  readonly #held = new Map<Digest, number>();
  readonly #condemned = new Set<Digest>();

  /** Holds the blob until it is released; undefined where it is being deleted. Says nothing about its existence. */
  hold(digest: Digest): Release | undefined {
    if (this.#condemned.has(digest)) return undefined;
    this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      const left = (this.#held.get(digest) ?? 1) - 1;
      if (left > 0) this.#held.set(digest, left);
      else this.#held.delete(digest);
    };
  }

  isHeld(digest: Digest): boolean {
    return this.#held.has(digest);
  }

  /** Before a deletion: nobody can hold the blob until it is released; undefined where somebody holds it. */
  condemn(digest: Digest): Release | undefined {
    if (this.#held.has(digest) || this.#condemned.has(digest)) return undefined;
    this.#condemned.add(digest);
    return () => {
      this.#condemned.delete(digest);
    };
  }
}
