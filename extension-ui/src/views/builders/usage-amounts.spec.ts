/** What builders use, as text. */
import { expect } from "chai";
import { amountsOf, formatCores } from "./usage-amounts.js";

describe("formatCores", () => {
  it("has as many digits as matter", () => {
    expect([0, 0.004, 0.02, 1, 1.46, 12.4].map(formatCores)).to.deep.equal([
      ...["0 cores", "0 cores", "0.02 cores", "1 core", "1.5 cores", "12 cores"],
    ]);
  });
});

describe("amountsOf", () => {
  it("sets what is used against its limit", () => {
    const usage = { sampledAtMs: 0, cpuCores: 1, cpuLimitCores: 4, memoryBytes: 1e9, memoryLimitBytes: 2e9 };
    const disk = { stateBytes: 5e9, stateLimitBytes: 10e9, diskFreeBytes: 25e9, diskTotalBytes: 100e9 };
    expect(amountsOf({ ...usage, ...disk }, "Kept")).to.deep.equal([
      { label: "CPU", text: "1 of 4 cores", share: 0.25 },
      { label: "Memory", text: "1GB of 2GB", share: 0.5 },
      { label: "Kept", text: "5GB of 10GB", share: 0.5 },
      { label: "Disk", text: "25GB free, 75% used", share: 0.75 },
    ]);
  });

  it("has no share where there is no limit, and says what is not known", () => {
    expect(amountsOf({ sampledAtMs: 0, memoryBytes: 1e9 }, "Kept")).to.deep.equal([
      { label: "CPU", text: "not known" },
      { label: "Memory", text: "1GB" },
      { label: "Kept", text: "not known" },
      { label: "Disk", text: "not known" },
    ]);
  });
});
