/** The space guard: what is reserved counts until it is kept or released. */
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect } from "chai";
import { blobErrorOf } from "../test/support/blob-store-contract.js";
import { SpaceGuard } from "./space-guard.js";

describe("SpaceGuard", () => {
  let nowMs = 0;
  const create = (hardMaxBytes: number, minFreeBytes = 0): SpaceGuard =>
    new SpaceGuard({ dir: tmpdir(), softMaxBytes: 10, hardMaxBytes, minFreeBytes, now: () => nowMs });

  it("refuses what is over the hard limit, with what is stored and reserved", async () => {
    const space = create(100);
    space.found(40);
    const [first, refused] = await Promise.allSettled([space.reserve(50), space.reserve(50)]);
    expect(first.status).to.equal("fulfilled");
    expect(refused).to.have.nested.property("reason.code", "no_space");
    const last = await space.reserve(10);
    expect(await blobErrorOf(last.grow(1))).to.equal("no_space");
    expect(space.storeBytes).to.equal(40);
  });

  it("gives back what is released, and what a blob that is kept replaces", async () => {
    const space = create(100);
    const reservation = await space.reserve(100);
    reservation.written(60);
    reservation.release();
    reservation.release();
    const kept = await space.reserve(0);
    await kept.grow(100);
    kept.written(100);
    kept.keep(0);
    kept.release();
    expect(space.storeBytes).to.equal(100);
    expect(await blobErrorOf(space.reserve(1))).to.equal("no_space");
    space.freed(30);
    const replacing = await space.reserve(30);
    replacing.written(30);
    replacing.keep(30);
    expect(space.storeBytes).to.equal(70);
  });

  it("leaves the file system its minimum, counting what is not written yet once", async () => {
    const { bavail, bsize } = await statfs(tmpdir());
    const freeBytes = bavail * bsize;
    nowMs = 0;
    const space = create(Infinity, Math.round(freeBytes / 2));
    const reservation = await space.reserve(Math.round(freeBytes / 3));
    expect(await blobErrorOf(space.reserve(Math.round(freeBytes / 3)))).to.equal("no_space");
    reservation.written(Math.round(freeBytes / 3));
    // The figure is kept for a second, and what was written meanwhile taken off it.
    expect(await blobErrorOf(space.reserve(Math.round(freeBytes / 3)))).to.equal("no_space");
    nowMs = 1000;
    // The system, asked again, knows nothing of what was not really written.
    await space.reserve(Math.round(freeBytes / 3));
  });

  it("follows limits that change", async () => {
    const limits = { dir: tmpdir(), softMaxBytes: 10, hardMaxBytes: 100, minFreeBytes: 0, now: () => nowMs };
    const space = new SpaceGuard(limits);
    expect(await blobErrorOf(space.reserve(101))).to.equal("no_space");
    limits.hardMaxBytes = 101;
    await space.reserve(101);
    limits.softMaxBytes = 20;
    expect(await space.usage()).to.include({ softMaxBytes: 20, hardMaxBytes: 101 });
  });

  it("tells its figures", async () => {
    const space = create(100, 5);
    space.found(3);
    const { freeBytes, ...usage } = await space.usage();
    expect(usage).to.deep.equal({ storeBytes: 3, softMaxBytes: 10, hardMaxBytes: 100, minFreeBytes: 5 });
    expect(freeBytes).to.be.greaterThan(0);
  });
});
