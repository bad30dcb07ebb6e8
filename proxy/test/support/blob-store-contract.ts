/** What every blob store promises; each implementation runs it. */
import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { buffer } from "node:stream/consumers";
import { expect } from "chai";
import { BlobError, type BlobErrorCode, type BlobStore, type ByteRange } from "../../cache/blob-store.js";
import { sha256Digest, type Digest } from "../../cache/digest.js";

const LARGE_BYTES = 3 * 2 ** 20 + 17;
const UPLOAD_PIECE_BYTES = 64 * 1024;

export const never: AbortSignal = new AbortController().signal;

export interface TestBlob {
  readonly digest: Digest;
  readonly bytes: Buffer;
}

export function testBlob(sizeBytes: number): TestBlob {
  const bytes = randomBytes(sizeBytes);
  return { digest: sha256Digest(bytes), bytes };
}

/** In pieces, each in a turn of its own, as a socket gives them. */
export async function* pieces(bytes: Buffer, pieceBytes: number = UPLOAD_PIECE_BYTES): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await turn();
    yield bytes.subarray(at, at + pieceBytes);
  }
}

export async function read(
  store: BlobStore,
  digest: Digest,
  range?: ByteRange,
): Promise<{ readonly bytes: Buffer; readonly sizeBytes: number; readonly version: string } | undefined> {
  const reading = await store.get(digest, range, never);
  return reading && { ...reading, bytes: await buffer(reading.bytes) };
}

export async function blobErrorOf(promise: Promise<unknown>): Promise<BlobErrorCode | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof BlobError)) throw error;
      return error.code;
    },
  );
}

async function digestsOf(store: BlobStore): Promise<Digest[]> {
  const digests = [];
  for await (const { digest } of store.list()) digests.push(digest);
  return digests.sort();
}

/** @param open a store that is empty and started */
export function blobStoreContract(open: () => Promise<BlobStore>): void {
  let store: BlobStore;
  beforeEach(async () => {
    store = await open();
  });
  const put = ({ digest, bytes }: TestBlob): Promise<unknown> => store.put(digest, pieces(bytes), bytes.length, never);

  for (const sizeBytes of [0, 1, 4096, UPLOAD_PIECE_BYTES, LARGE_BYTES]) {
    it(`gives back ${sizeBytes} bytes as they were put`, async () => {
      const blob = testBlob(sizeBytes);
      const stat = await store.put(blob.digest, pieces(blob.bytes), sizeBytes, never);
      const found = await read(store, blob.digest);
      expect(found?.bytes.equals(blob.bytes)).to.be.true;
      expect(found).to.include(stat);
      expect(stat.sizeBytes).to.equal(sizeBytes);
      expect(await store.stat(blob.digest)).to.deep.equal(stat);
    });
  }

  it("takes a blob whose size is not known, and one whose digest comes last", async () => {
    const [one, other] = [testBlob(LARGE_BYTES), testBlob(100)];
    await store.put(one.digest, pieces(one.bytes), undefined, never);
    let digest: Digest | undefined;
    async function* named(): AsyncGenerator<Buffer> {
      yield* pieces(other.bytes);
      digest = other.digest;
    }
    const expected = (): Digest => digest ?? one.digest;
    await store.put(expected, named(), undefined, never);
    expect(await digestsOf(store)).to.deep.equal([one.digest, other.digest].sort());
  });

  it("has nothing of a blob that was never put", async () => {
    const { digest } = testBlob(1);
    expect(await store.stat(digest)).to.be.undefined;
    expect(await store.get(digest, undefined, never)).to.be.undefined;
    expect(await store.delete(digest)).to.be.false;
    expect(await digestsOf(store)).to.be.empty;
  });

  const ranges: readonly ByteRange[] = [
    { first: 0, last: 0 },
    { first: 0, last: 9 },
    { first: 1, last: 1 },
    { first: 500_000, last: 1_500_000 },
    { first: LARGE_BYTES - 1, last: LARGE_BYTES - 1 },
    { first: LARGE_BYTES - 5, last: LARGE_BYTES + 100 },
    { first: 3, last: Number.MAX_SAFE_INTEGER },
  ];
  it("gives ranges, cut off at the end of the blob", async () => {
    const [large, small] = [testBlob(LARGE_BYTES), testBlob(10)];
    await put(large);
    await put(small);
    for (const range of ranges) {
      const found = await read(store, large.digest, range);
      const expected = large.bytes.subarray(range.first, range.last + 1);
      expect(found?.bytes.equals(expected), JSON.stringify(range)).to.be.true;
      expect(found?.sizeBytes).to.equal(LARGE_BYTES);
    }
    expect((await read(store, small.digest, { first: 2, last: 4 }))?.bytes).to.deep.equal(small.bytes.subarray(2, 5));
  });

  it("has nothing behind the end of a blob", async () => {
    const [small, empty] = [testBlob(10), testBlob(0)];
    await put(small);
    await put(empty);
    expect(await store.get(small.digest, { first: 10, last: 20 }, never)).to.be.undefined;
    expect(await store.get(empty.digest, { first: 0, last: 0 }, never)).to.be.undefined;
  });

  it("refuses a wrong digest and keeps nothing", async () => {
    const { digest } = testBlob(5);
    expect(await blobErrorOf(store.put(digest, pieces(testBlob(5).bytes), 5, never))).to.equal("digest_mismatch");
    expect(await digestsOf(store)).to.be.empty;
  });

  for (const [what, announced] of [["more", 4] as const, ["fewer", 6] as const]) {
    it(`refuses ${what} bytes than were announced and keeps nothing`, async () => {
      const { digest, bytes } = testBlob(5);
      expect(await blobErrorOf(store.put(digest, pieces(bytes), announced, never))).to.equal("size_mismatch");
      expect(await digestsOf(store)).to.be.empty;
    });
  }

  it("keeps the good blob when a bad one is put in its place", async () => {
    const blob = testBlob(5000);
    await put(blob);
    const bad = Buffer.from(blob.bytes);
    bad[17] = (bad[17] ?? 0) ^ 1;
    expect(await blobErrorOf(store.put(blob.digest, pieces(bad), undefined, never))).to.equal("digest_mismatch");
    expect((await read(store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
  });

  it("keeps nothing of a put that is aborted while its source gives nothing", async () => {
    const { digest, bytes } = testBlob(LARGE_BYTES);
    const stop = new AbortController();
    async function* stalled(): AsyncGenerator<Buffer> {
      yield* pieces(bytes.subarray(0, LARGE_BYTES - 1));
      setImmediate(() => {
        stop.abort();
      });
      await new Promise(() => undefined);
    }
    expect(await blobErrorOf(store.put(digest, stalled(), LARGE_BYTES, stop.signal))).to.equal("aborted");
    expect(await digestsOf(store)).to.be.empty;
    expect(await blobErrorOf(store.put(digest, pieces(bytes), LARGE_BYTES, stop.signal))).to.equal("aborted");
    expect(await digestsOf(store)).to.be.empty;
  });

  it("keeps nothing of a put whose source fails", async () => {
    const { digest, bytes } = testBlob(LARGE_BYTES);
    async function* failing(): AsyncGenerator<Buffer> {
      yield* pieces(bytes);
      throw new Error("connection reset");
    }
    expect(await blobErrorOf(store.put(digest, failing(), LARGE_BYTES, never))).to.equal("aborted");
    expect(await digestsOf(store)).to.be.empty;
  });

  it("takes the same blob several times at once", async () => {
    const blob = testBlob(LARGE_BYTES);
    await Promise.all([put(blob), put(blob), put(blob), put(blob)]);
    expect((await read(store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
    expect(await digestsOf(store)).to.deep.equal([blob.digest]);
  });

  it("never shows a part of a blob while it is put and deleted", async () => {
    const blob = testBlob(LARGE_BYTES);
    let isWriting = true;
    const write = async (): Promise<void> => {
      for (let round = 0; round < 4; round++) {
        await put(blob);
        if (round % 2 === 1) await store.delete(blob.digest);
      }
    };
    let seen = 0;
    const readAll = async (): Promise<void> => {
      while (isWriting) {
        // A store may answer within the turn: the writer has to get one as well.
        await turn();
        const found = await read(store, blob.digest);
        if (found === undefined) continue;
        seen += 1;
        expect(found.bytes.equals(blob.bytes)).to.be.true;
      }
    };
    const written = write().finally(() => {
      isWriting = false;
    });
    await Promise.all([written, readAll(), readAll()]);
    expect(seen).to.be.greaterThan(0);
  });

  it("goes on reading a blob that is deleted meanwhile", async () => {
    const blob = testBlob(LARGE_BYTES);
    await put(blob);
    const reading = await store.get(blob.digest, undefined, never);
    expect(await store.delete(blob.digest)).to.be.true;
    expect(await store.stat(blob.digest)).to.be.undefined;
    expect(reading && (await buffer(reading.bytes)).equals(blob.bytes)).to.be.true;
    expect(await read(store, blob.digest)).to.be.undefined;
    expect(await store.delete(blob.digest)).to.be.false;
  });

  it("lists each blob with its size, its version and about the time at which it was stored", async () => {
    const blobs = [testBlob(0), testBlob(7), testBlob(70_000)];
    const beforeMs = Date.now();
    for (const blob of blobs) await put(blob);
    const listed = [];
    for await (const stored of store.list()) listed.push(stored);
    expect(listed.map(({ digest }) => digest)).to.have.members(blobs.map(({ digest }) => digest));
    for (const { digest, storedAtMs, ...stat } of listed) {
      expect(stat).to.deep.equal(await store.stat(digest));
      // The clock of a store may be behind by a tick.
      expect(storedAtMs).to.be.within(beforeMs - 1000, Date.now() + 1000);
    }
  });

  it("keeps the version of a blob as long as nobody writes", async () => {
    const [blob, other] = [testBlob(100), testBlob(100)];
    await put(blob);
    const before = await store.stat(blob.digest);
    await put(other);
    await read(store, blob.digest);
    expect(await store.stat(blob.digest)).to.deep.equal(before);
    expect((await store.stat(other.digest))?.version).not.to.equal(before?.version);
  });

  it("lets go of a reader that stops early", async () => {
    const blob = testBlob(LARGE_BYTES);
    await put(blob);
    for (let round = 0; round < 50; round++) {
      const reading = await store.get(blob.digest, undefined, never);
      reading?.bytes.destroy();
    }
    expect((await read(store, blob.digest))?.bytes.equals(blob.bytes)).to.be.true;
  });
}
