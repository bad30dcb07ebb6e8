/** Keeps small blobs that are read in memory, in front of another store. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { LRUCache } from "lru-cache";
import type { BlobReading, BlobStat, BlobStore, ByteRange } from "./blob-store.js";
import type { Digest } from "./digest.js";

export interface HotBlobsOptions {
  readonly maxBytes: number;
  /** Larger blobs are not kept. */
  readonly blobMaxBytes: number;
}

interface HotBlob {
  readonly version: string;
  readonly bytes: Buffer;
}

/** Serves only what the inner store has now: its version is asked for at each read. */
export function withHotBlobs(inner: BlobStore, { maxBytes, blobMaxBytes }: HotBlobsOptions): BlobStore {
  const hot = new LRUCache<Digest, HotBlob>({ maxSize: maxBytes, sizeCalculation: ({ bytes }) => bytes.length + 1 });
  /** Who asks meanwhile gets the same bytes. */
  const loading = new Map<Digest, Promise<HotBlob | undefined>>();

  async function load(digest: Digest): Promise<HotBlob | undefined> {
    // Of a small blob, and for all who ask: nobody's signal ends it.
    const reading = await inner.get(digest, undefined, new AbortController().signal);
    if (reading === undefined || reading.sizeBytes > blobMaxBytes) {
      reading?.bytes.destroy();
      return undefined;
    }
    const bytes = await buffer(reading.bytes);
    if (bytes.length !== reading.sizeBytes) return undefined;
    const blob = { version: reading.version, bytes };
    hot.set(digest, blob);
    return blob;
  }

  function loadOnce(digest: Digest): Promise<HotBlob | undefined> {
    let blob = loading.get(digest);
    if (blob === undefined) {
      blob = load(digest).finally(() => loading.delete(digest));
      loading.set(digest, blob);
    }
    return blob;
  }

  async function get(
    digest: Digest,
    range: ByteRange | undefined,
    signal: AbortSignal,
  ): Promise<BlobReading | undefined> {
    const stat = await inner.stat(digest);
    const isSmall = stat !== undefined && stat.sizeBytes <= blobMaxBytes;
    if (!isSmall) {
      hot.delete(digest);
      return stat === undefined ? undefined : inner.get(digest, range, signal);
    }
    const kept = hot.get(digest);
    const blob = kept?.version === stat.version ? kept : await loadOnce(digest);
    // Replaced while it was loaded: the store itself knows best.
    return blob?.version === stat.version ? hotReading(stat, blob.bytes, range) : inner.get(digest, range, signal);
  }

  return {
    get,
    put: (...args) => inner.put(...args),
    stat: (digest) => inner.stat(digest),
    async delete(digest) {
      hot.delete(digest);
      return inner.delete(digest);
    },
    list: () => inner.list(),
  };
}

function hotReading(stat: BlobStat, whole: Buffer, range: ByteRange | undefined): BlobReading | undefined {
  if (range !== undefined && range.first >= whole.length) return undefined;
  const bytes = range === undefined ? whole : whole.subarray(range.first, range.last + 1);
  return { ...stat, bytes: Readable.from([bytes]) };
}
