/** The log of what is used is bounded, and shows how it is now. */
import { expect } from "chai";
import { MEMOBUILD_SERIES } from "./builder-desk.js";
import { USAGE_BUILDERS_MAX, USAGE_SAMPLES_MAX, USAGE_STEP_MS, USAGE_TOLD_MAX, UsageLog } from "./usage-log.js";

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
    const oldestMs = timesOf("b")?.[0] ?? 0;
    expect(oldestMs).to.be.within(9 * USAGE_STEP_MS, 9 * USAGE_STEP_MS + log.history().stepMs);
    note(0, "b");
    expect(timesOf("b")?.at(-1)).to.equal(0);
    note(INTERVAL_MS, "b");
    expect(timesOf("b")?.at(-1)).to.equal(INTERVAL_MS);
    expect(timesOf("b")?.[0]).to.be.greaterThan(oldestMs);
  });

  it("tells evenly of a long time, in so many samples, the latest among them", () => {
    for (let step = 0; step < USAGE_SAMPLES_MAX; step += 1) {
      const names = step < USAGE_SAMPLES_MAX - 9 ? ["b"] : ["b", "late"];
      note(step * USAGE_STEP_MS, ...names);
    }
    const { load, series, stepMs } = log.history();
    const lastMs = (USAGE_SAMPLES_MAX - 1) * USAGE_STEP_MS;
    const times = Array.from({ length: USAGE_TOLD_MAX }, (_, at) => lastMs - at * stepMs).reverse();
    expect(stepMs).to.equal(4 * USAGE_STEP_MS);
    expect(load.map(({ atMs }) => atMs)).to.deep.equal(times);
    expect(series.map(({ name }) => timesOf(name))).to.deep.equal([times, times.slice(-3), times]);
  });

  it("tells of so many builders, those that were there first", () => {
    const names = Array.from({ length: USAGE_BUILDERS_MAX }, (_, at) => `b${at}`);
    const told = (): string[] => log.history().series.map(({ name }) => name);
    note(0, ...names);
    note(INTERVAL_MS, "new", ...names);
    expect(told()).to.deep.equal([...names, MEMOBUILD_SERIES]);
    note(2 * INTERVAL_MS, "new", ...names.slice(1));
    expect(told()).to.deep.equal([...names.slice(1), "new", MEMOBUILD_SERIES]);
  });

  it("forgets builders that are gone", () => {
    note(0, "one", "two");
    note(30_000, "two");
    note(60_000, "two", "one");
    expect([timesOf("one"), timesOf("two")]).to.deep.equal([[60_000], [0, 30_000, 60_000]]);
  });
});
