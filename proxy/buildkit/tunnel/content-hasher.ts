/** Keyed hashes of files' bytes, within limits: reading along must not slow down an upload. */
import { createHmac } from "node:crypto";

const FILE_MAX_BYTES = 8 << 20;
/** Of all files of a session together. */
const SESSION_MAX_BYTES = 32 << 20;
/** Files that are hashed at the same time; a client of BuildKit sends four. */
const OPEN_MAX = 64;
/** In base64url: 132 bits. */
const HASH_CHARACTERS = 22;

/** Of a file whose bytes are still coming. */
export type OpenHash = ReturnType<typeof createHmac>;

export class ContentHasher {
  readonly #key: Buffer;
  #remainingBytes = SESSION_MAX_BYTES;
  #openCount = 0;

  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Undefined where the file would be over a limit. Each hash that is given must be finished or dropped. */
  start(sizeBytes: number): OpenHash | undefined {
    if (sizeBytes < 0 || sizeBytes > Math.min(FILE_MAX_BYTES, this.#remainingBytes)) return undefined;
    if (this.#openCount === OPEN_MAX) return undefined;
    this.#openCount++;
    this.#remainingBytes -= sizeBytes;
    return createHmac("sha256", this.#key);
  }

  finish(hash: OpenHash): string {
    this.#openCount--;
    return hash.digest("base64url").slice(0, HASH_CHARACTERS);
  }

  drop(): void {
    this.#openCount--;
  }
}
