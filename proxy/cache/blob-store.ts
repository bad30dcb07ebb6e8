/** The seam to what keeps the bytes of layers: few methods, streams, content checked against its digest. */
import type { Readable } from "node:stream";
import type { Digest } from "./digest.js";

export interface BlobStat {
  readonly sizeBytes: number;
  /** Changes whenever somebody wrote to what is stored, and only then: as long as it stays, so do the bytes. */
  readonly version: string;
}

export interface StoredBlob extends BlobStat {
  readonly digest: Digest;
  /** When it was stored, in milliseconds since 1970. */
  readonly storedAtMs: number;
}

/** Bytes `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface BlobReading extends BlobStat {
  /** Of the range, else of the whole; the reader destroys it when it stops early. */
  readonly bytes: Readable;
}

export const BLOB_ERROR_CODES = ["digest_mismatch", "size_mismatch", "no_space", "aborted"] as const;
export type BlobErrorCode = (typeof BLOB_ERROR_CODES)[number];

/** Why a blob was not stored; nothing of it is left. Any other error means that the store itself failed. */
export class BlobError extends Error {
  override readonly name = "BlobError";
  readonly code: BlobErrorCode;

  constructor(code: BlobErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A digest, or what tells it once the bytes have ended: an upload in pieces names it last. */
export type ExpectedDigest = Digest | (() => Digest);

export interface BlobStore {
  /**
   * Stores the bytes when they have this digest and, where it is given, this size. Readers see all of it or nothing,
   * also after a crash. Puts of the same digest at the same time do no harm. Bytes that end with an error are aborted.
   *
   * @throws BlobError
   */
  put(
    digest: ExpectedDigest,
    bytes: AsyncIterable<Uint8Array>,
    sizeBytes: number | undefined,
    signal: AbortSignal,
  ): Promise<BlobStat>;
  /** Undefined where there is no such blob, or where the range begins behind its end. */
  get(digest: Digest, range: ByteRange | undefined, signal: AbortSignal): Promise<BlobReading | undefined>;
  stat(digest: Digest): Promise<BlobStat | undefined>;
  /** Whether there was one. */
  delete(digest: Digest): Promise<boolean>;
  /** In no order; what is put or deleted meanwhile may or may not be among them. */
  list(): AsyncIterable<StoredBlob>;
}
