/** MemoBuild is killed while exports come in: what it says that it has, it has. */
import { readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { sha256Hex, useCacheScene, type CacheScene } from "./cache-scene.js";

const KILLS = 50;
/** Larger than what the builder compresses and sends in the time that a kill takes. */
const INPUT_BYTES = 4 << 20;
/** An export of this size takes some 300 ms on an idle machine. */
const DELAY_MAX_MS = 500;
/** How long an upload is waited for. */
const UPLOAD_WAIT_MS = 1_500;
const SEED = Date.now() % 2 ** 31;

/** Mulberry32: numbers from 0 to 1 that are the same for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function whenUploading(scene: CacheScene): Promise<void> {
  const until = performance.now() + UPLOAD_WAIT_MS;
  while (performance.now() < until && (await scene.ingest()).length === 0) await pause(1);
}

describe("a MemoBuild that is killed while exports come in", () => {
  const current = useCacheScene();

  it(`has every blob of its index, whole, after ${KILLS} kills, and nothing besides`, async function () {
    this.timeout(240_000);
    const scene = current();
    const random = seededRandom(SEED);
    let interrupted = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await scene.start();
      await scene.changeInput(INPUT_BYTES);
      const { code, stderr } = await scene.build();
      expect(code, `seed ${SEED}, kill ${kill}: ${stderr}`).to.equal(0);
      // Every other one while a blob is being written.
      if (kill % 2 === 0) await pause(random() * DELAY_MAX_MS);
      else await whenUploading(scene).then(() => pause(random() * 20));
      await scene.kill();
      if ((await scene.ingest()).length > 0) interrupted++;
    }
    expect(interrupted, `uploads cut, seed ${SEED}`).to.be.greaterThan(5);

    await scene.start();
    await scene.nothingLeft();
    expect(await scene.verify(), `seed ${SEED}`).to.include({ missing: 0, corrupt: 0 });
    await scene.changeInput();
    await scene.buildAndExport();
    expect(await scene.exports("published")).to.equal(1);
    await scene.emptyBuilder();
    expect(await scene.buildAndExport()).to.deep.equal([]);
    expect(await scene.buildImage()).to.deep.equal([]);
    await scene.stop();

    const files = new Map((await scene.blobFiles()).map(({ bytes, digest }) => [digest, bytes]));
    for (const [digest, bytes] of files) expect(sha256Hex(bytes), `seed ${SEED}`).to.equal(digest);
    const indexed = await scene.withIndex((index) => index.blobsAfter(undefined, 10_000));
    expect(indexed).to.have.length.greaterThan(4);
    const sizes = new Map([...files].map(([digest, bytes]) => [`sha256:${digest}`, bytes.length]));
    expect(new Map(indexed.map(({ digest, sizeBytes }) => [digest, sizeBytes])), `seed ${SEED}`).to.deep.equal(sizes);
    expect((await readdir(scene.cacheDir)).filter((name) => !name.startsWith("index.db"))).to.have.members([
      "blobs",
      "ingest",
    ]);
    await scene.nothingLeft();
  });

  it("stops in time while an export is under way, and publishes nothing of it", async () => {
    const scene = current();
    await scene.start("--drain-timeout", "100ms");
    await scene.changeInput(INPUT_BYTES * 4);
    const { code, stderr } = await scene.build();
    expect(code, stderr).to.equal(0);
    const stopping = performance.now();
    scene.memobuild.signal("SIGTERM");
    const exit = await scene.memobuild.exited;
    expect(performance.now() - stopping).to.be.lessThan(3_000);
    expect(exit).to.equal(1);
    await scene.stop().catch(() => undefined);
    await scene.start();
    await scene.nothingLeft();
    expect(await scene.api.list({ limit: 10 })).to.deep.equal([]);
    expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
  });
});
