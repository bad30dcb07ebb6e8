/** Promises of warnings before a disk is full. */
import { expect } from "chai";
import { diskWarnings } from "./disk-warnings.js";

const GB = 1e9;

describe("diskWarnings", () => {
  const disk = (freeGb: number, totalGb: number): object =>
    diskWarnings({ sampledAtMs: 0, diskFreeBytes: freeGb * GB, diskTotalBytes: totalGb * GB });

  it("warns when less than a tenth is free, of a large disk when that is little too", () => {
    expect(disk(9.9, 100)).to.have.keys("disk");
    expect(disk(10.1, 100)).to.be.empty;
    expect(disk(60, 10_000)).to.be.empty;
    expect(disk(49, 10_000)).to.have.keys("disk");
  });

  it("warns when what is free is little, however small the disk", () => {
    expect(disk(1.9, 4)).to.have.keys("disk");
  });

  it("warns of state that pruning did not bring near its limit", () => {
    const state = (stateGb: number): object =>
      diskWarnings({ sampledAtMs: 0, stateBytes: stateGb * GB, stateLimitBytes: 10 * GB });
    expect(state(10.9)).to.be.empty;
    expect(state(11.1)).to.deep.equal({
      state: "it keeps 11.1GB, and --builder-keep-bytes is 10GB: what its builds use is not pruned",
    });
  });

  it("says nothing where nothing is known", () => {
    expect(diskWarnings({ sampledAtMs: 0 })).to.be.empty;
    expect(diskWarnings({ sampledAtMs: 0, diskFreeBytes: 1 })).to.be.empty;
  });
});
