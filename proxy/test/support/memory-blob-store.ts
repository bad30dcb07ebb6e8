/** A blob store without a disk: small, and quick for a million blobs. */
import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { BlobError } from "../../cache/blob-store.js";
import type {
  BlobReading,
  BlobStat,
  BlobStore,
  ByteRange,
  ExpectedDigest,
  StoredBlob,
} from "../../cache/blob-store.js";
import { sha256Digest, type Digest } from "../../cache/digest.js";

interface Entry extends StoredBlob {
  readonly bytes: Buffer;
}

export class MemoryBlobStore implements BlobStore {
  readonly #entries = new Map<Digest, Entry>();
  #versions = 0;
  storeBytes = 0;

  async put(
    expected: ExpectedDigest,
    bytes: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<BlobStat> {
    const pieces: Uint8Array[] = [];
    try {
      for await (const piece of untilAborted(bytes, signal)) pieces.push(piece);
    } catch (error) {
      throw new BlobError("aborted", "the upload was stopped", { cause: error });
    }
    const whole = Buffer.concat(pieces);
    const digest = typeof expected === "string" ? expected : expected();
    if (sizeBytes !== undefined && whole.length !== sizeBytes) throw new BlobError("size_mismatch", "size differs");
    if (sha256Digest(whole) !== digest) throw new BlobError("digest_mismatch", "digest differs");
    return this.keep(digest, whole, whole.length);
  }

  /** Whatever the bytes are. */
  keep(digest: Digest, bytes: Buffer, sizeBytes: number): BlobStat {
    this.#remove(digest);
    const stat = { sizeBytes, version: String((this.#versions += 1)) };
    this.#entries.set(digest, { digest, ...stat, storedAtMs: Date.now(), bytes });
    this.storeBytes += sizeBytes;
    return stat;
  }

  has(digest: Digest): boolean {
    return this.#entries.has(digest);
  }

  async get(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReading | undefined> {
    await turn(undefined, { signal });
    const entry = this.#entries.get(digest);
    if (entry === undefined || (range !== undefined && range.first >= entry.sizeBytes)) return undefined;
    const bytes = entry.bytes.subarray(range?.first ?? 0, (range?.last ?? Infinity) + 1);
    return { sizeBytes: entry.sizeBytes, version: entry.version, bytes: Readable.from([bytes]) };
  }

  stat(digest: Digest): Promise<BlobStat | undefined> {
    const entry = this.#entries.get(digest);
    return Promise.resolve(entry && { sizeBytes: entry.sizeBytes, version: entry.version });
  }

  delete(digest: Digest): Promise<boolean> {
    return Promise.resolve(this.#remove(digest));
  }

  async *list(): AsyncGenerator<StoredBlob> {
    for (const { digest, sizeBytes, version, storedAtMs } of this.#entries.values()) {
      yield await Promise.resolve({ digest, sizeBytes, version, storedAtMs });
    }
  }

  #remove(digest: Digest): boolean {
    this.storeBytes -= this.#entries.get(digest)?.sizeBytes ?? 0;
    return this.#entries.delete(digest);
  }
}

async function* untilAborted(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => {
      reject(new Error("aborted"));
    };
    signal.addEventListener("abort", stop);
  });
  const source = bytes[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([source.next(), aborted]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
