/** How much of the client's file lists is kept, for all transfers of a session together. */

const SESSION_FILES_MAX = 50_000;
/** Of paths and link names. */
const SESSION_PATHS_MAX_BYTES = 8 << 20;

export class ListLimits {
  #remainingFiles = SESSION_FILES_MAX;
  #remainingBytes = SESSION_PATHS_MAX_BYTES;

  /** Whether one more file may be kept; it counts from then on. */
  admit(pathBytes: number): boolean {
    if (this.#remainingFiles === 0 || pathBytes > this.#remainingBytes) return false;
    this.#remainingFiles--;
    this.#remainingBytes -= pathBytes;
    return true;
  }
}
