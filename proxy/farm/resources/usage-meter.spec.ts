/** Promises of a meter. */
import { expect } from "chai";
import { parseCpuMax, parseMemoryMax } from "./own-usage.js";
import { diskSpaceOf, UsageMeter } from "./usage-meter.js";

describe("UsageMeter", () => {
  it("averages processor time since the sample before", () => {
    const meter = new UsageMeter();
    expect(meter.measure({ cpuSeconds: 100, memoryBytes: 5 }, 1_000)).to.deep.equal({ memoryBytes: 5 });
    expect(meter.measure({ cpuSeconds: 115, memoryBytes: 6 }, 11_000)).to.deep.equal({ memoryBytes: 6, cpuCores: 1.5 });
  });

  it("takes a smaller sum for a process that was started anew", () => {
    const meter = new UsageMeter();
    meter.measure({ cpuSeconds: 100 }, 0);
    expect(meter.measure({ cpuSeconds: 5 }, 10_000)).to.deep.equal({ cpuCores: 0.5 });
  });

  it("begins again after a time in which nothing ran", () => {
    const meter = new UsageMeter();
    meter.measure({ cpuSeconds: 100 }, 0);
    expect(meter.measure(undefined, 10_000)).to.deep.equal({});
    expect(meter.measure({ cpuSeconds: 200 }, 20_000)).to.deep.equal({});
  });
});

describe("diskSpaceOf", () => {
  it("is undefined for a folder that cannot be seen", async () => {
    expect(await diskSpaceOf(undefined)).to.equal(undefined);
    expect(await diskSpaceOf("/no/such/folder")).to.equal(undefined);
    const space = await diskSpaceOf("/");
    expect(space?.diskTotalBytes).to.be.greaterThan(space?.diskFreeBytes ?? Infinity);
  });
});

describe("limits of a cgroup", () => {
  it("are read, or none", () => {
    expect(parseCpuMax("150000 100000\n")).to.equal(1.5);
    expect(parseCpuMax("max 100000\n")).to.equal(undefined);
    expect(parseCpuMax("")).to.equal(undefined);
    expect(parseMemoryMax("268435456\n")).to.equal(268_435_456);
    expect(parseMemoryMax("max\n")).to.equal(undefined);
    expect(parseMemoryMax("")).to.equal(undefined);
  });
});
