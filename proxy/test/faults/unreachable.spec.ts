/** The way between builder and cache breaks after it was proven, or the builder dies: builds see nothing of the cache. */
import { expect } from "chai";
import { freePort } from "../support/free-port.js";
import { poll, within } from "../support/poll.js";
import { startTcpFaultProxy, type TcpFaultProxy } from "../support/tcp-fault-proxy.js";
import { useCacheScene, type CacheScene } from "./cache-scene.js";

/** Starts MemoBuild so that its builder reaches the registry through `use`'s network. */
async function throughNetwork(scene: CacheScene, use: (network: TcpFaultProxy) => Promise<void>): Promise<void> {
  const port = await freePort();
  const network = await startTcpFaultProxy(`tcp://127.0.0.1:${port}`);
  try {
    const advertised = network.address.replace("tcp://", "");
    await scene.start("--registry-listen", `127.0.0.1:${port}`, "--cache-advertise", advertised);
    await use(network);
  } finally {
    await network.close();
  }
}

describe("a cache that its builder reaches no longer", () => {
  const current = useCacheScene();

  it("costs no build when the port refuses, and is used again when it opens", async () => {
    const scene = current();
    await throughNetwork(scene, async (network) => {
      await scene.buildAndExport();
      await network.refuse();
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal(["links", "sum"]);
      expect(await scene.exports("published")).to.equal(1);
      await network.open();
      await scene.reachable();
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
    });
  });

  it("is not offered to a build while the address swallows what is sent, which would freeze the builder", async () => {
    const scene = current();
    await throughNetwork(scene, async (network) => {
      await scene.buildAndExport();
      await scene.emptyBuilder();
      network.pause();
      expect(await within(scene.buildImage(), 20_000, "the build")).to.deep.equal(["links", "sum"]);
      expect(await scene.imports("unreachable")).to.equal(1);
      network.resume();
      await scene.reachable();
      await scene.emptyBuilder();
      expect(await scene.buildImage()).to.deep.equal([]);
    });
  });

  it("costs no build when connections are cut while an export is under way", async () => {
    const scene = current();
    await throughNetwork(scene, async (network) => {
      await scene.changeInput(16 << 20);
      const { code, stderr } = await scene.build();
      expect(code, stderr).to.equal(0);
      await poll(
        () => scene.ingest(),
        (files) => files.length > 0,
        { what: "an upload is under way", intervalMs: 2 },
      );
      network.cut();
      await scene.exported();
      await scene.nothingLeft();
      expect(await scene.verify()).to.include({ missing: 0, corrupt: 0 });
      await scene.emptyBuilder();
      await scene.buildImage();
    });
  });
});

describe("a MemoBuild whose builder is killed", () => {
  const current = useCacheScene();

  const expectGoesOn = async (scene: CacheScene): Promise<void> => {
    await scene.exported();
    expect(await scene.exports("published")).to.equal(0);
    await scene.nothingLeft();
    await scene.startDaemon();
    await poll(
      () => scene.metric(`memobuild_cache_builder_reachable{builder="${scene.daemon.address}"}`),
      (reachable) => reachable === 1,
      { what: "the builder is proven anew", timeoutMs: 20_000 },
    );
    // The daemon has kept what it built, or lost it: both is complete in the cache afterwards.
    await scene.buildImage();
    expect(await scene.exports("published")).to.equal(1);
    await scene.emptyBuilder();
    expect(await scene.buildImage()).to.deep.equal([]);
  };

  it("ends the export that was under way, and goes on with the builder's next life", async () => {
    const scene = current();
    await scene.start();
    await scene.changeInput(16 << 20);
    const { code, stderr } = await scene.build();
    expect(code, stderr).to.equal(0);
    await poll(
      () => scene.ingest(),
      (files) => files.length > 0,
      { what: "an upload is under way", intervalMs: 2 },
    );
    await scene.killDaemon();
    await expectGoesOn(scene);
  });

  it("ends the job that pins a build, whose client learns what happened", async () => {
    const scene = current();
    await scene.start();
    await scene.changeInput(32 << 20);
    // The builder makes the image when the build is pinned already, which takes a while.
    const building = scene.tryImage();
    await poll(
      () => scene.metric("memobuild_cache_export_jobs"),
      (jobs) => jobs === 1,
      { what: "the build is pinned", intervalMs: 5, timeoutMs: 20_000 },
    );
    await scene.killDaemon();
    const { code, stderr } = await building;
    expect(code).to.not.equal(0);
    expect(stderr).to.match(/ERROR: .*(closed|EOF|reset|Unavailable)/);
    await expectGoesOn(scene);
  });
});
