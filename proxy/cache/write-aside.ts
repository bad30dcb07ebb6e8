/** Writes a stream into a new file that nobody reads yet, counting and hashing while it comes in. */
import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { BlobError } from "./blob-store.js";
import { digestOf, type Digest } from "./digest.js";
import { untilAborted } from "./until-aborted.js";

/** Written at once: fewer trips to the thread pool than one for each piece of 64 KiB that a socket gives. */
const BATCH_BYTES = 2 ** 20;
const BATCH_PIECES = 256;

export interface WriteAsideOptions {
  readonly maxBytes: number;
  /** Before so many bytes are written. */
  readonly reserve: (bytes: number) => Promise<void>;
  readonly written: (bytes: number) => void;
}

export interface WrittenAside {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Once it resolves, the bytes are on the disk. After a rejection the file may be there, and is the caller's. */
export async function writeAside(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  options: WriteAsideOptions,
  signal: AbortSignal,
): Promise<WrittenAside> {
  const file = await open(path, "wx");
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  // Hashing goes on while the batch before is written; there are never more than two.
  let writing = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = writeBatch(file, batch, batchBytes, options);
    writing.catch(() => undefined); // awaited by the next flush, or below
    batch = [];
    batchBytes = 0;
  };
  try {
    for await (const piece of untilAborted(bytes, signal)) {
      hash.update(piece);
      batch.push(piece);
      sizeBytes += piece.length;
      batchBytes += piece.length;
      if (sizeBytes > options.maxBytes) {
        throw new BlobError("size_mismatch", `more than the ${options.maxBytes} bytes that were announced`);
      }
      if (batchBytes >= BATCH_BYTES || batch.length >= BATCH_PIECES) await flush();
    }
    await flush();
    await writing;
    await file.sync();
  } finally {
    await writing.catch(() => undefined); // thrown above already
    await file.close();
  }
  return { digest: digestOf(hash), sizeBytes };
}

async function writeBatch(
  file: FileHandle,
  pieces: readonly Uint8Array[],
  sizeBytes: number,
  { reserve, written }: WriteAsideOptions,
): Promise<void> {
  if (sizeBytes === 0) return;
  await reserve(sizeBytes);
  const { bytesWritten } = await file.writev([...pieces]);
  // A disk that is nearly full takes a part; the rest then says why.
  if (bytesWritten < sizeBytes) await file.appendFile(Buffer.concat(pieces).subarray(bytesWritten));
  written(sizeBytes);
}
