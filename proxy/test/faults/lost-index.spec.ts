/** The index or all of the cache's folder is lost or destroyed: builds go on, and the cache begins anew. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { poll } from "../support/poll.js";
import { useCacheScene, type CacheScene } from "./cache-scene.js";

const removeIndex = async ({ cacheDir }: CacheScene): Promise<void> => {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(join(cacheDir, `index.db${suffix}`), { force: true });
};

const spoilIndex = async ({ cacheDir }: CacheScene): Promise<void> => {
  await writeFile(join(cacheDir, "index.db"), Buffer.alloc(20_000, "garbage "));
};

/** New builds come into the cache, and out of it. */
async function expectWorks(scene: CacheScene): Promise<void> {
  await scene.emptyBuilder();
  await scene.buildImage();
  await scene.emptyBuilder();
  expect(await scene.buildImage()).to.deep.equal([]);
  expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
}

describe("a cache whose index is lost", () => {
  const current = useCacheScene();

  for (const [what, spoil] of [
    ["deleted", removeIndex],
    ["overwritten", spoilIndex],
  ] as const) {
    it(`begins a new one when it was ${what} while MemoBuild was stopped, and keeps the blobs`, async () => {
      const scene = current();
      await scene.start();
      await scene.buildAndExport();
      await scene.stop();
      await spoil(scene);
      await scene.start();
      const { length } = await scene.blobFiles();
      await poll(
        () => scene.api.usage(),
        ({ blobs }) => blobs === length,
        { what: "all blobs are found again" },
      );
      await expectWorks(scene);
      // All that is sent is what is new, or was not made of the same bytes.
      expect(await scene.metric('memobuild_registry_bytes_total{direction="in"}')).to.be.lessThan(2 << 20);
    });

    it(`builds on when it is ${what} while MemoBuild runs, also after the next start`, async () => {
      const scene = current();
      await scene.start();
      await scene.buildAndExport();
      await spoil(scene);
      await scene.emptyBuilder();
      await scene.buildImage();
      await scene.changeInput();
      await scene.buildImage();
      await scene.stop();
      await scene.start();
      await expectWorks(scene);
    });
  }

  it("builds on when all of the cache's folder is deleted while MemoBuild runs", async () => {
    const scene = current();
    await scene.start();
    await scene.buildAndExport();
    await rm(scene.cacheDir, { recursive: true });
    await scene.emptyBuilder();
    await scene.buildImage();
    await scene.changeInput();
    await scene.buildImage();
    await scene.stop();
    await scene.start();
    await expectWorks(scene);
  });
});
