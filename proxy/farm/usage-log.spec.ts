/** The log of what is used is bounded, and shows how it is now. */
import { expect } from "chai";
import { MEMOBUILD_SERIES } from "./builder-desk.js";
import { UsageLog, USAGE_SAMPLES_MAX, USAGE_STEP_MS } from "./usage-log.js";

const INTERVAL_MS = 10_000;

describe("UsageLog", () => {
  let log: UsageLog;

  beforeEach(() => {
    log = new UsageLog();
  });

  const note = (atMs: number, ...names: readonly string[]): void => {
    log.note({
      builders: new Map(names.map((name) => [name, { sampledAtMs: atMs, memoryBytes: atMs + name.length }])),
      memobuild: { sampledAtMs: atMs },
      load: { atMs, runningBuilds: 2, waitingBuilds: 1 },
    });
  };
  const timesOf = (name: string): number[] | undefined =>
    log
      .history()
      .series.find((series) => series.name === name)
      ?.samples.map(({ sampledAtMs }) => sampledAtMs);

  it("has nothing but MemoBuild's empty series at first", () => {
    const series = [{ name: MEMOBUILD_SERIES, samples: [] }];
    expect(log.history()).to.deep.equal({ stepMs: USAGE_STEP_MS, series, load: [] });
  });

  it("keeps one sample for each step, and always the latest", () => {
    for (let atMs = 0; atMs <= 80_000; atMs += INTERVAL_MS) note(atMs, "b");
    expect(timesOf("b")).to.deep.equal([0, 30_000, 60_000, 80_000]);
    expect(timesOf(MEMOBUILD_SERIES)).to.deep.equal([0, 30_000, 60_000, 80_000]);
    const { load, series } = log.history();
    expect(load.at(-1)).to.deep.equal({ atMs: 80_000, runningBuilds: 2, waitingBuilds: 1 });
    expect(series[0]?.samples.at(-1)).to.deep.equal({ sampledAtMs: 80_000, memoryBytes: 80_001 });
  });

  it("keeps so many, and goes on where the clock is set back", () => {
    for (let step = 0; step < USAGE_SAMPLES_MAX + 9; step += 1) note(step * USAGE_STEP_MS, "b");
    expect(timesOf("b")).to.have.length(USAGE_SAMPLES_MAX);
    expect(timesOf("b")?.[0]).to.equal(9 * USAGE_STEP_MS);
    expect(log.history().load).to.have.length(USAGE_SAMPLES_MAX);
    note(0, "b");
    note(INTERVAL_MS, "b");
    expect(timesOf("b")?.slice(-2)).to.deep.equal([0, INTERVAL_MS]);
  });

  it("forgets builders that are gone", () => {
    note(0, "one", "two");
    note(30_000, "two");
    note(60_000, "two", "one");
    expect([timesOf("one"), timesOf("two")]).to.deep.equal([[60_000], [0, 30_000, 60_000]]);
  });
});
