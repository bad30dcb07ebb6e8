/** The disk store: the contract, and what only a disk can do wrong. */
import { execFileSync } from "node:child_process";
import { appendFile, mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { blobErrorOf, blobStoreContract, never, pieces, read, testBlob } from "../test/support/blob-store-contract.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import type { Digest } from "./digest.js";
import { DiskBlobStore } from "./disk-blob-store.js";
import { SpaceGuard } from "./space-guard.js";

const NO_LIMITS = { softMaxBytes: Infinity, hardMaxBytes: Infinity, minFreeBytes: 0, now: () => performance.now() };

async function openStore(dir: string): Promise<{ readonly store: DiskBlobStore; readonly space: SpaceGuard }> {
  const space = new SpaceGuard({ dir, ...NO_LIMITS });
  const store = new DiskBlobStore({ dir, space });
  await store.start();
  return { store, space };
}

const pathOf = (dir: string, digest: Digest): string =>
  join(dir, "blobs/sha256", digest.slice("sha256:".length).slice(0, 2), digest.slice("sha256:".length));

describe("DiskBlobStore", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await makeTempDir("blobs");
  });
  afterEach(async () => {
    // Whatever happened to a put, nothing of it is left.
    const left = await readdir(join(dir, "ingest"));
    await removeDir(dir);
    expect(left).to.be.empty;
  });

  blobStoreContract(async () => (await openStore(dir)).store);

  it("finds what it stored after a start, and removes what was being written", async () => {
    const { store } = await openStore(dir);
    const blob = testBlob(5000);
    await store.put(blob.digest, pieces(blob.bytes), undefined, never);
    await writeFile(join(dir, "ingest/half"), "half");
    await mkdir(join(dir, "ingest/folder"));
    const again = await openStore(dir);
    expect(await readdir(join(dir, "ingest"))).to.be.empty;
    expect((await read(again.store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
    expect(again.space.storeBytes).to.equal(5000);
  });

  it("counts what is stored, replaced and deleted, and nothing of what was refused", async () => {
    const { store, space } = await openStore(dir);
    const [blob, other] = [testBlob(3_000_000), testBlob(500)];
    const put = (bytes: Buffer, digest: Digest): Promise<unknown> => store.put(digest, pieces(bytes), undefined, never);
    await Promise.all([put(blob.bytes, blob.digest), put(blob.bytes, blob.digest), put(other.bytes, other.digest)]);
    await put(blob.bytes, blob.digest);
    expect(await blobErrorOf(put(blob.bytes, other.digest))).to.equal("digest_mismatch");
    expect(space.storeBytes).to.equal(3_000_500);
    await Promise.all([store.delete(blob.digest), store.delete(blob.digest)]);
    expect(space.storeBytes).to.equal(500);
  });

  it("gives another version to a blob that somebody wrote to, and the old one to nobody", async () => {
    const { store } = await openStore(dir);
    const blob = testBlob(5000);
    const stored = await store.put(blob.digest, pieces(blob.bytes), undefined, never);
    const path = pathOf(dir, blob.digest);
    expect((await readFile(path)).equals(blob.bytes)).to.be.true;
    const versions = new Set([stored.version]);
    const flipped = Buffer.from(blob.bytes);
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    for (const change of [
      () => writeFile(path, flipped),
      () => appendFile(path, "x"),
      () => truncate(path, 10),
      () => store.put(blob.digest, pieces(blob.bytes), undefined, never),
    ]) {
      await change();
      versions.add((await store.stat(blob.digest))?.version ?? "");
    }
    expect(versions.size).to.equal(5);
    expect((await read(store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
  });

  it("leaves files alone that are not named as a blob", async () => {
    const { store } = await openStore(dir);
    await writeFile(join(dir, "blobs/sha256/00/README"), "not a blob");
    const listed = [];
    for await (const blob of (await openStore(dir)).store.list()) listed.push(blob);
    expect(listed).to.be.empty;
    expect(await store.delete(testBlob(1).digest)).to.be.false;
    expect(await readdir(join(dir, "blobs/sha256/00"))).to.deep.equal(["README"]);
  });

  it("rejects with the cause when its folder is gone", async () => {
    const { store } = await openStore(dir);
    const blob = testBlob(10);
    await removeDir(join(dir, "ingest"));
    const failure = await store.put(blob.digest, pieces(blob.bytes), 10, never).catch((error: unknown) => error);
    await mkdir(join(dir, "ingest"));
    expect(failure).to.have.property("code", "ENOENT");
  });
});

describe("DiskBlobStore on a full disk", () => {
  const DISK_BYTES = 4 * 2 ** 20;
  let dir: string;
  before(async function () {
    dir = await makeTempDir("full");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", dir], { stdio: "ignore" });
    } catch {
      await removeDir(dir);
      this.skip();
    }
  });
  after(async () => {
    execFileSync("umount", [dir], { stdio: "ignore" });
    await removeDir(dir);
  });

  it("refuses what does not fit, announced or not, frees what it took, and goes on with what fits", async () => {
    const { store, space } = await openStore(dir);
    // The guard does not stop it: others fill the disk behind its back.
    space.freeBytes = () => Promise.resolve(Infinity);
    const large = testBlob(2 * DISK_BYTES);
    const put = (sizeBytes: number | undefined): Promise<unknown> =>
      store.put(large.digest, pieces(large.bytes), sizeBytes, never);
    expect(await blobErrorOf(put(large.bytes.length))).to.equal("no_space");
    expect(await blobErrorOf(put(undefined))).to.equal("no_space");
    expect(await readdir(join(dir, "ingest"))).to.be.empty;
    expect(space.storeBytes).to.equal(0);
    const small = testBlob(DISK_BYTES / 2);
    await store.put(small.digest, pieces(small.bytes), undefined, never);
    expect((await read(store, small.digest))?.bytes.equals(small.bytes)).to.be.true;
  });

  it("is refused by the guard before anything is written", async () => {
    const { store } = await openStore(dir);
    const large = testBlob(2 * DISK_BYTES);
    let isRead = false;
    async function* source(): AsyncGenerator<Buffer> {
      isRead = true;
      yield* pieces(large.bytes);
    }
    expect(await blobErrorOf(store.put(large.digest, source(), large.bytes.length, never))).to.equal("no_space");
    expect(isRead).to.be.false;
  });
});
