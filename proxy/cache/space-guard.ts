/** Says whether a blob may still be written: counts what is stored and reserved against limits and free space. */
import { statfs } from "node:fs/promises";
import { BlobError } from "./blob-store.js";
import type { CacheUsage } from "./cache-admin.js";

/** Long enough that a burst of small blobs asks the system once, short enough that others filling the disk are seen. */
const FREE_BYTES_MAX_AGE_MS = 1000;

export interface SpaceGuardOptions {
  /** On the file system of the store. */
  readonly dir: string;
  /** The limits may change. */
  readonly softMaxBytes: number;
  readonly hardMaxBytes: number;
  readonly minFreeBytes: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export type StoreUsage = Pick<
  CacheUsage,
  "storeBytes" | "softMaxBytes" | "hardMaxBytes" | "freeBytes" | "minFreeBytes"
>;

/** Room for one blob; it ends with `keep` or `release`. */
export interface Reservation {
  /** @throws BlobError no_space */
  readonly grow: (bytes: number) => Promise<void>;
  /** So many bytes of it lie in the file system now. */
  readonly written: (bytes: number) => void;
  /** It is stored, in the place of an older blob of this size. */
  readonly keep: (replacedBytes: number) => void;
  /** Nothing of it is left; does nothing after `keep`. */
  readonly release: () => void;
}

export class SpaceGuard {
  readonly #options: SpaceGuardOptions;
  #storeBytes = 0;
  #reservedBytes = 0;
  /** The part of what is reserved that the file system does not know of yet. */
  #unwrittenBytes = 0;
  #free: { bytes: number; readonly atMs: number } | undefined;

  constructor(options: SpaceGuardOptions) {
    this.#options = options;
  }

  get softMaxBytes(): number {
    return this.#options.softMaxBytes;
  }

  get hardMaxBytes(): number {
    return this.#options.hardMaxBytes;
  }

  get minFreeBytes(): number {
    return this.#options.minFreeBytes;
  }

  /** Bytes of the blobs that are stored. */
  get storeBytes(): number {
    return this.#storeBytes;
  }

  /** Of the file system, at most a second old. */
  async freeBytes(): Promise<number> {
    const { dir, now } = this.#options;
    const known = this.#free;
    if (known !== undefined && now() - known.atMs < FREE_BYTES_MAX_AGE_MS) return known.bytes;
    const atMs = now();
    const { bavail, bsize } = await statfs(dir);
    this.#free = { bytes: bavail * bsize, atMs };
    return this.#free.bytes;
  }

  async usage(): Promise<StoreUsage> {
    const { storeBytes, softMaxBytes, hardMaxBytes, minFreeBytes } = this;
    return { storeBytes, softMaxBytes, hardMaxBytes, freeBytes: await this.freeBytes(), minFreeBytes };
  }

  /** Blobs that were there before this process. */
  found(bytes: number): void {
    this.#storeBytes += bytes;
  }

  /** A stored blob was deleted. */
  freed(bytes: number): void {
    this.#storeBytes -= bytes;
    this.#wrote(-bytes);
  }

  /** @throws BlobError no_space */
  async reserve(bytes: number): Promise<Reservation> {
    let reservedBytes = 0;
    let writtenBytes = 0;
    const end = (): void => {
      this.#reservedBytes -= reservedBytes;
      this.#unwrittenBytes -= reservedBytes - writtenBytes;
      reservedBytes = 0;
      writtenBytes = 0;
    };
    const reservation: Reservation = {
      grow: async (more) => {
        await this.#take(more);
        reservedBytes += more;
      },
      written: (more) => {
        writtenBytes += more;
        this.#unwrittenBytes -= more;
        this.#wrote(more);
      },
      keep: (replacedBytes) => {
        this.#storeBytes += writtenBytes - replacedBytes;
        this.#wrote(-replacedBytes);
        end();
      },
      release: () => {
        this.#wrote(-writtenBytes);
        end();
      },
    };
    await reservation.grow(bytes);
    return reservation;
  }

  async #take(bytes: number): Promise<void> {
    const freeBytes = await this.freeBytes();
    // No await from here on: two that ask at the same time must not get the same bytes.
    if (this.#storeBytes + this.#reservedBytes + bytes > this.hardMaxBytes) {
      throw new BlobError("no_space", `the cache holds at most ${this.hardMaxBytes} bytes`);
    }
    if (freeBytes - this.#unwrittenBytes - bytes < this.minFreeBytes) {
      throw new BlobError("no_space", `less than ${this.minFreeBytes} bytes of the disk would stay free`);
    }
    this.#reservedBytes += bytes;
    this.#unwrittenBytes += bytes;
  }

  #wrote(bytes: number): void {
    if (this.#free !== undefined) this.#free.bytes -= bytes;
  }
}
