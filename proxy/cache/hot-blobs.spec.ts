/** Hot blobs: the contract of any store, fewer reads, and never what the inner store lost. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import {
  blobStoreContract,
  never,
  pieces,
  read,
  testBlob,
  type TestBlob,
} from "../test/support/blob-store-contract.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import type { BlobStore } from "./blob-store.js";
import { DiskBlobStore } from "./disk-blob-store.js";
import { withHotBlobs } from "./hot-blobs.js";
import { SpaceGuard } from "./space-guard.js";

const BLOB_MAX_BYTES = 8192;
const MAX_BYTES = 4 * BLOB_MAX_BYTES;

describe("withHotBlobs", () => {
  let dir: string;
  let reads: number;
  beforeEach(async () => {
    dir = await makeTempDir("hot");
    reads = 0;
  });
  afterEach(() => removeDir(dir));

  const open = async (): Promise<BlobStore> => {
    const limits = { softMaxBytes: Infinity, hardMaxBytes: Infinity, minFreeBytes: 0, now: () => performance.now() };
    const disk = new DiskBlobStore({ dir, space: new SpaceGuard({ dir, ...limits }) });
    await disk.start();
    const counted: BlobStore = {
      put: (...args) => disk.put(...args),
      get: (...args) => {
        reads += 1;
        return disk.get(...args);
      },
      stat: (digest) => disk.stat(digest),
      delete: (digest) => disk.delete(digest),
      list: () => disk.list(),
    };
    return withHotBlobs(counted, { maxBytes: MAX_BYTES, blobMaxBytes: BLOB_MAX_BYTES });
  };
  const put = async (store: BlobStore, ...blobs: readonly TestBlob[]): Promise<void> => {
    for (const { digest, bytes } of blobs) await store.put(digest, pieces(bytes), bytes.length, never);
  };

  blobStoreContract(open);

  it("reads a small blob once, ranges and readers at the same time included", async () => {
    const store = await open();
    const blob = testBlob(BLOB_MAX_BYTES);
    await put(store, blob);
    await Promise.all([read(store, blob.digest), read(store, blob.digest)]);
    const part = await read(store, blob.digest, { first: 5, last: 8 });
    expect(part?.bytes.equals(blob.bytes.subarray(5, 9))).to.be.true;
    expect(reads).to.equal(1);
  });

  it("reads a large blob each time", async () => {
    const store = await open();
    const blob = testBlob(BLOB_MAX_BYTES + 1);
    await put(store, blob);
    for (let round = 0; round < 3; round++)
      expect((await read(store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
    expect(reads).to.equal(3);
  });

  it("keeps no more than its limit", async () => {
    const store = await open();
    const blobs = Array.from({ length: 8 }, () => testBlob(BLOB_MAX_BYTES));
    await put(store, ...blobs);
    for (const { digest } of blobs) await read(store, digest);
    reads = 0;
    for (const { digest } of [...blobs].reverse()) await read(store, digest);
    expect(reads).to.be.within(5, 7);
  });

  it("never serves bytes that were replaced or removed behind its back", async () => {
    const store = await open();
    const blob = testBlob(100);
    await put(store, blob);
    await read(store, blob.digest);
    const hex = blob.digest.slice("sha256:".length);
    const path = join(dir, "blobs/sha256", hex.slice(0, 2), hex);
    await writeFile(path, "something else");
    expect((await read(store, blob.digest))?.bytes.toString()).to.equal("something else");
    await removeDir(path);
    expect(await read(store, blob.digest)).to.be.undefined;
  });
});
