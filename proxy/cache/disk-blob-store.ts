/** Blobs as files in a folder: written aside, checked, made durable, then renamed to their digest. */
import { randomUUID } from "node:crypto";
import { type BigIntStats, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, rm, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import {
  BlobError,
  type BlobReading,
  type BlobStat,
  type BlobStore,
  type ByteRange,
  type ExpectedDigest,
  type StoredBlob,
} from "./blob-store.js";
import { parseDigest, type Digest } from "./digest.js";
import type { SpaceGuard } from "./space-guard.js";
import { writeAside } from "./write-aside.js";

/** Up to here a blob is read in one piece, which takes a third of the time that a stream takes to be set up. */
const READ_AT_ONCE_MAX_BYTES = 256 * 1024;
/** Larger ones are faster still, but a slow reader keeps about four of them. */
const READ_PIECE_BYTES = 512 * 1024;
const FOLDERS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));
const NO_SPACE_CODES = ["ENOSPC", "EDQUOT"];

export interface DiskBlobStoreOptions {
  readonly dir: string;
  readonly space: SpaceGuard;
}

export class DiskBlobStore implements BlobStore {
  readonly #blobsDir: string;
  readonly #ingestDir: string;
  readonly #space: SpaceGuard;
  /** The last change of a blob's name; the next one waits for it, so that the guard counts right. */
  readonly #changes = new Map<Digest, Promise<unknown>>();

  constructor({ dir, space }: DiskBlobStoreOptions) {
    this.#blobsDir = join(dir, "blobs", "sha256");
    this.#ingestDir = join(dir, "ingest");
    this.#space = space;
  }

  /** Makes the folders, removes what was being written at a crash, tells the guard what is stored. */
  async start(): Promise<void> {
    await rm(this.#ingestDir, { recursive: true, force: true });
    await mkdir(this.#ingestDir, { recursive: true });
    await mkdir(this.#blobsDir, { recursive: true });
    await Promise.all(FOLDERS.map((name) => mkdir(join(this.#blobsDir, name), { recursive: true })));
    await syncFolder(this.#blobsDir);
    for await (const { sizeBytes } of this.list()) this.#space.found(sizeBytes);
  }

  async put(
    expected: ExpectedDigest,
    bytes: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<BlobStat> {
    const reservation = await this.#space.reserve(sizeBytes ?? 0);
    const aside = join(this.#ingestDir, randomUUID());
    try {
      const options = {
        maxBytes: sizeBytes ?? Infinity,
        reserve: async (more: number) => (sizeBytes === undefined ? reservation.grow(more) : undefined),
        written: reservation.written,
      };
      const written = await writeAside(aside, bytes, options, signal);
      const digest = typeof expected === "string" ? expected : expected();
      if (sizeBytes !== undefined && written.sizeBytes !== sizeBytes) {
        throw new BlobError("size_mismatch", `${written.sizeBytes} bytes instead of ${sizeBytes}`);
      }
      if (written.digest !== digest) {
        throw new BlobError("digest_mismatch", `the bytes have the digest ${written.digest} instead of ${digest}`);
      }
      return await this.#commit(aside, digest, reservation.keep);
    } catch (error) {
      await rm(aside, { force: true });
      throw asBlobError(error, signal);
    } finally {
      reservation.release();
    }
  }

  async get(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReading | undefined> {
    signal.throwIfAborted();
    const file = await open(this.#path(digest)).catch(undefinedIfMissing);
    if (file === undefined) return undefined;
    try {
      const stat = blobStat(await file.stat({ bigint: true }));
      const first = range?.first ?? 0;
      if (range !== undefined && first >= stat.sizeBytes) {
        await file.close();
        return undefined;
      }
      const last = Math.min(range?.last ?? Infinity, stat.sizeBytes - 1);
      return { ...stat, bytes: await readable(file, first, last) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Synchronous inside: 4 µs, against 90 µs by way of the thread pool, and each HEAD of a blob asks. */
  stat(digest: Digest): Promise<BlobStat | undefined> {
    const stats = statSync(this.#path(digest), { bigint: true, throwIfNoEntry: false });
    return Promise.resolve(stats === undefined ? undefined : blobStat(stats));
  }

  async delete(digest: Digest): Promise<boolean> {
    return this.#alone(digest, async () => {
      const path = this.#path(digest);
      const stats = statSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return false;
      await unlink(path);
      this.#space.freed(stats.size);
      return true;
    });
  }

  async *list(): AsyncGenerator<StoredBlob> {
    for (const folder of FOLDERS) {
      for (const name of await readdir(join(this.#blobsDir, folder))) {
        const digest = parseDigest(`sha256:${name}`);
        if (digest === undefined) continue;
        const stats = statSync(this.#path(digest), { bigint: true, throwIfNoEntry: false });
        if (stats !== undefined) yield { digest, ...blobStat(stats), storedAtMs: Number(stats.mtimeMs) };
      }
    }
  }

  #path(digest: Digest): string {
    const hex = digest.slice("sha256:".length);
    return join(this.#blobsDir, hex.slice(0, 2), hex);
  }

  async #commit(aside: string, digest: Digest, keep: (replacedBytes: number) => void): Promise<BlobStat> {
    const path = this.#path(digest);
    const stat = await this.#alone(digest, async () => {
      const replacedBytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      await rename(aside, path);
      keep(replacedBytes);
      // After the rename, which changes the version.
      return blobStat(statSync(path, { bigint: true }));
    });
    await syncFolder(dirname(path));
    return stat;
  }

  async #alone<T>(digest: Digest, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(digest);
    const done = (before ?? Promise.resolve()).catch(() => undefined).then(change); // its failure is its caller's
    this.#changes.set(digest, done);
    try {
      return await done;
    } finally {
      if (this.#changes.get(digest) === done) this.#changes.delete(digest);
    }
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");

function undefinedIfMissing(error: unknown): undefined {
  if (codeOf(error) !== "ENOENT") throw error;
}

/** Every write and every rename moves ctime, which nobody can set; a new file has another inode. */
const blobStat = ({ size, ctimeNs, ino }: BigIntStats): BlobStat => ({
  sizeBytes: Number(size),
  version: `${ctimeNs}-${ino}-${size}`,
});

async function readable(file: FileHandle, first: number, last: number): Promise<Readable> {
  const sizeBytes = last - first + 1;
  if (sizeBytes > READ_AT_ONCE_MAX_BYTES) {
    return file.createReadStream({ start: first, end: last, highWaterMark: READ_PIECE_BYTES });
  }
  const bytes = Buffer.allocUnsafe(sizeBytes);
  const { bytesRead } = await file.read(bytes, 0, sizeBytes, first);
  await file.close();
  return Readable.from([bytes.subarray(0, bytesRead)]);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function asBlobError(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof BlobError) return error;
  if (signal.aborted) return new BlobError("aborted", "the upload was stopped", { cause: error });
  if (NO_SPACE_CODES.includes(codeOf(error))) return new BlobError("no_space", "the disk is full", { cause: error });
  return error;
}
