/** No room for the cache: builds go on, what does not fit is dropped whole, and what fits later is taken. */
import { mkdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { runOk } from "../support/command.js";
import { poll } from "../support/poll.js";
import { useCacheScene, type CacheScene } from "./cache-scene.js";

const DISK_BYTES = 24 << 20;
const TOO_MUCH_BYTES = 30 << 20;
/** The limits are those of the disk alone. */
const NO_LIMITS = ["--cache-max-bytes", "1GiB", "--cache-min-free", "1b"];

/** Runs `use` while the data directory is a file system of its own. */
async function onSmallDisk(scene: CacheScene, use: () => Promise<void>): Promise<void> {
  await mkdir(scene.dataDir);
  await runOk("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=700`, "tmpfs", scene.dataDir]);
  try {
    await use();
  } finally {
    await scene.stop().finally(() => runOk("umount", [scene.dataDir]));
  }
}

async function freeBytes(scene: CacheScene): Promise<number> {
  const { bavail, bsize } = await statfs(scene.dataDir);
  return bavail * bsize;
}

/** Somebody else takes all the space but so much. */
async function fillDisk(scene: CacheScene, leftBytes: number): Promise<void> {
  await writeFile(join(scene.dataDir, "others"), Buffer.alloc((await freeBytes(scene)) - leftBytes));
}

describe("a cache without room", () => {
  const current = useCacheScene();

  it("drops an export that does not fit on the disk, frees what it took, and takes smaller ones", async () => {
    const scene = current();
    await onSmallDisk(scene, async () => {
      await scene.start(...NO_LIMITS);
      const freeBefore = await freeBytes(scene);
      await scene.changeInput(TOO_MUCH_BYTES);
      await scene.buildAndExport();
      expect(await scene.exports("published")).to.equal(0);
      expect(await scene.exports("failed")).to.equal(1);
      expect(String((await scene.memobuild.logged("cache not exported"))["cause"])).to.include(
        "of the disk would stay free",
      );
      await scene.nothingLeft();
      // What came before the large layer may stay for the next export.
      expect(freeBefore - (await freeBytes(scene))).to.be.lessThan(4 << 20);
      await scene.changeInput();
      await scene.buildAndExport();
      expect(await scene.exports("published")).to.equal(1);
      expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
    });
  });

  it("builds on while nothing more can be written at all, its index included", async () => {
    const scene = current();
    await onSmallDisk(scene, async () => {
      await scene.start(...NO_LIMITS);
      await scene.buildAndExport();
      await fillDisk(scene, 0);
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
      await scene.changeInput(4_096);
      await scene.buildImage();
      await writeFile(join(scene.dataDir, "others"), "");
      await scene.changeInput(8_192);
      // The guard asks the file system once in a second.
      await poll(
        async () => {
          await scene.buildAndExport("--no-cache-filter", "app");
          return scene.exports("published");
        },
        (published) => published > 1,
        { what: "an export is published again", timeoutMs: 20_000 },
      );
      expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
      // An index that could not be written is one that can still be opened.
      await scene.stop();
      await scene.start(...NO_LIMITS);
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
    });
  });

  it("removes the exports that were used longest ago, and keeps the newest", async () => {
    const scene = current();
    const limits = ["--cache-max-bytes", "8MiB", "--cache-hard-max-bytes", "16MiB"];
    await scene.start(...limits);
    for (let exported = 0; exported < 5; exported++) {
      await scene.changeInput();
      await scene.buildAndExport();
    }
    expect(await scene.exports("published")).to.equal(5);
    const left = await poll(
      () => scene.api.list({ limit: 10 }),
      (exports) => exports.length < 5,
      { what: "exports are removed" },
    );
    expect(left.map(({ id }) => id)).to.deep.equal([5, 4, 3]);
    // Builds that ran a moment ago may still ask for what was removed; with MemoBuild, their tokens end.
    await scene.stop();
    await scene.start(...limits);
    await poll(
      () => scene.metric("memobuild_cache_store_bytes"),
      (bytes) => bytes <= 8 << 20,
      { what: "the cache is below its limit" },
    );
    await scene.emptyBuilder();
    expect(await scene.buildImage()).to.deep.equal([]);
    expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
  });

  it("takes nothing above the hard limit", async () => {
    const scene = current();
    await scene.start("--cache-max-bytes", "4MiB", "--cache-hard-max-bytes", "4MiB");
    await scene.changeInput(4 << 20);
    await scene.buildAndExport();
    expect(await scene.exports("published")).to.equal(0);
    expect(await scene.metric("memobuild_cache_store_bytes")).to.be.lessThan(4 << 20);
    await scene.nothingLeft();
  });
});
