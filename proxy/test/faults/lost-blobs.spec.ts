/** Blobs that are lost or changed on the disk: no build fails for what is known, and nothing wrong is ever served. */
import { open, rm, truncate } from "node:fs/promises";
import { expect } from "chai";
import { parseDigest } from "../../cache/digest.js";
import { DiskBlobStore } from "../../cache/disk-blob-store.js";
import { SpaceGuard } from "../../cache/space-guard.js";
import { freePort } from "../support/free-port.js";
import { poll } from "../support/poll.js";
import { startTcpFaultProxy } from "../support/tcp-fault-proxy.js";
import { useCacheScene, type BlobFile, type CacheScene } from "./cache-scene.js";

const NO_LIMITS = { softMaxBytes: Infinity, hardMaxBytes: Infinity, minFreeBytes: 0 };

/** One byte in the middle, in the file that is there. */
async function flip({ bytes, path }: BlobFile): Promise<void> {
  const at = bytes.length >> 1;
  const file = await open(path, "r+");
  await file.write(Buffer.of((bytes[at] ?? 0) ^ 1), 0, 1, at);
  await file.close();
}

const FAULTS = [
  { name: "deleted", reason: "missing", spoil: ({ path }: BlobFile) => rm(path) },
  { name: "truncated", reason: "corrupt", spoil: ({ bytes, path }: BlobFile) => truncate(path, bytes.length >> 1) },
  { name: "flipped", reason: "corrupt", spoil: flip },
] as const;

const quarantined = (scene: CacheScene, reason: string): Promise<number> =>
  scene.metric(`memobuild_cache_quarantined_blobs_total{reason="${reason}"}`);

const badLayers = (scene: CacheScene, reason: string): Promise<number> =>
  scene.metric(`memobuild_cache_bad_layers_total{reason="${reason}"}`);

/** What was rebuilt is in the cache again, and an empty builder gets all of it. */
async function expectWhole(scene: CacheScene): Promise<void> {
  expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
  await scene.emptyBuilder();
  expect(await scene.buildAndExport()).to.deep.equal([]);
}

describe("a cache whose blobs are lost or changed on the disk", () => {
  const current = useCacheScene();

  for (const when of ["runs", "is stopped"] as const) {
    for (const { name, reason, spoil } of FAULTS) {
      it(`rebuilds a layer that was ${name} while MemoBuild ${when}, and is whole again`, async () => {
        const scene = current();
        await scene.start();
        expect(await scene.buildAndExport()).to.deep.equal(["links", "sum"]);
        expect(await scene.exports("published")).to.equal(1);
        if (when === "is stopped") await scene.stop();
        await spoil(await scene.inputBlob());
        if (when === "is stopped") await scene.start();
        await scene.emptyBuilder();
        expect(await scene.buildImage()).to.deep.equal(["sum"]);
        expect(await quarantined(scene, reason)).to.equal(1);
        expect(await badLayers(scene, reason)).to.equal(0);
        await expectWhole(scene);
      });
    }
  }

  it("serves no layer that changed without the file system knowing, and goes on without it", async () => {
    const scene = current();
    await scene.start();
    await scene.buildAndExport();
    const blob = await scene.inputBlob();
    await scene.stop();
    await flip(blob);
    await pretendUnchanged(scene, blob);
    await scene.start();
    await scene.emptyBuilder();
    // The builder was told that there is such a layer: this build may be lost.
    await scene.tryImage();
    expect(await badLayers(scene, "corrupt")).to.equal(1);
    await poll(
      () => quarantined(scene, "corrupt"),
      (count) => count === 1,
      { what: "the layer is dropped" },
    );
    await scene.buildImage();
    expect(await scene.imports("broken")).to.equal(1);
    expect(await scene.exports("published")).to.equal(1);
    await expectWhole(scene);
    expect(await scene.imports("injected")).to.equal(2);
  });

  it("fails at most the one build under which a layer is lost", async () => {
    const scene = current();
    const port = await freePort();
    const network = await startTcpFaultProxy(`tcp://127.0.0.1:${port}`);
    try {
      const advertised = network.address.replace("tcp://", "");
      await scene.start("--registry-listen", `127.0.0.1:${port}`, "--cache-advertise", advertised);
      await scene.buildAndExport();
      await scene.emptyBuilder();
      const blob = await scene.inputBlob();
      // Less than what MemoBuild takes for a broken network, enough to be quicker than the builder.
      network.delayMs = 60;
      const building = scene.tryImage();
      await poll(
        () => scene.metric('memobuild_registry_requests_total{operation="get_manifest",code="200"}'),
        (count) => count > 0,
        { what: "the builder takes the import", timeoutMs: 20_000, intervalMs: 2 },
      );
      await rm(blob.path);
      await building;
      network.delayMs = 0;
      expect(await badLayers(scene, "missing")).to.equal(1);
      await scene.buildImage();
      expect(await scene.imports("broken")).to.equal(1);
      await expectWhole(scene);
      expect(await scene.imports("injected")).to.equal(2);
    } finally {
      await network.close();
    }
  });

  it("builds what was all cached and lazy when a layer of it is gone", async () => {
    const scene = current();
    await scene.start();
    await scene.buildAndExport();
    await scene.emptyBuilder();
    expect(await scene.buildAndExport()).to.deep.equal([]);
    await rm((await scene.inputBlob()).path);
    await scene.tryImage();
    await scene.buildImage();
    await expectWhole(scene);
  });
});

/** Makes the index of a stopped MemoBuild agree with the file as it is: so bad sectors look, where no time changes. */
async function pretendUnchanged(scene: CacheScene, { digest, path }: BlobFile): Promise<void> {
  const known = parseDigest(`sha256:${digest}`);
  const space = new SpaceGuard({ dir: scene.cacheDir, ...NO_LIMITS, now: () => performance.now() });
  const store = new DiskBlobStore({ dir: scene.cacheDir, space });
  const stat = known === undefined ? undefined : await store.stat(known);
  if (known === undefined || stat === undefined) throw new Error(`${path} is no blob`);
  await scene.withIndex((index) => index.addBlob(known, stat, Date.now()));
}
