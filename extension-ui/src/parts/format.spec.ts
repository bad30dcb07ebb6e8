/** Figures as people read them. */
import { expect } from "chai";
import { formatAge, formatBytes, formatCount, formatDuration, formatShare } from "./format.js";

describe("formatBytes", () => {
  it("has three digits at most, and units of Docker", () => {
    expect([0, 999, 1000, 1550, 21_500_000_000, 123_456_789].map(formatBytes)).to.deep.equal([
      ...["0B", "999B", "1kB", "1.6kB", "21.5GB", "123MB"],
    ]);
  });
});

describe("formatDuration", () => {
  it("goes from milliseconds to days, in two parts at most", () => {
    expect([0, 38, 4230, 59_960, 185_000, 7_800_000, 273_600_000].map(formatDuration)).to.deep.equal([
      ...["0ms", "38ms", "4.2s", "1m 0s", "3m 5s", "2h 10m", "3d 4h"],
    ]);
  });
});

describe("formatShare", () => {
  it("rounds, but neither to none nor to all", () => {
    expect([0, 0.001, 0.4217, 0.999, 1].map(formatShare)).to.deep.equal(["0%", "<1%", "42%", ">99%", "100%"]);
  });
});

describe("formatAge", () => {
  it("counts whole units, and takes a clock that is ahead for now", () => {
    const now = 1_000_000_000;
    const ages = [-5000, 59_000, 300_000, 10_800_000, 172_800_000].map((ms) => formatAge(now - ms, now));
    expect(ages).to.deep.equal(["just now", "just now", "5m ago", "3h ago", "2d ago"]);
  });
});

describe("formatCount", () => {
  it("says one and many", () => {
    expect([formatCount(1, "build"), formatCount(2000, "build"), formatCount(0, "query", "queries")]).to.deep.equal([
      ...["1 build", "2,000 builds", "0 queries"],
    ]);
  });
});
