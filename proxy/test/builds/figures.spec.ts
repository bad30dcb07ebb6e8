/** Figures, trend and metrics count the same builds the same way. */
import { expect } from "chai";
import type { Figures } from "../../builds/history.js";
import { poll } from "../support/poll.js";
import { growth, readSeries, type Series } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { useBuildsWorld } from "./builds-world.js";

const DOCKERFILE = `${SHELL}RUN echo early > /early
COPY file /
RUN cat /file > /late && sleep 0.2
`;
const FAILING = `${DOCKERFILE}RUN exit 9\n`;
const NOTHING: Series = new Map();

describe("figures of builds", () => {
  const world = useBuildsWorld();
  let sinceMs: number;
  let figures: Figures;
  let series: Series;

  before(async () => {
    sinceMs = Date.now();
    for (const [file, dockerfile] of [
      ["one", DOCKERFILE],
      ["two", DOCKERFILE],
      ["two", FAILING],
    ] as const) {
      const context = await world().context("app", { Dockerfile: dockerfile, file });
      await world().recorded(() => world().build(context));
      await world().exported();
    }
    figures = await world().builds.figures({ sinceMs });
    series = await readSeries(world().memoBuild);
  });

  it("count what the metrics count", () => {
    const { failed, running, succeeded } = figures;
    expect({ succeeded, failed, running }).to.deep.equal({ succeeded: 2, failed: 1, running: 0 });
    expect(growth(NOTHING, series, "memobuild_builds_total")).to.deep.equal({ succeeded, failed });
    expect(series.get("memobuild_builds_running")).to.equal(running);

    const steps = growth(NOTHING, series, "memobuild_build_steps_total");
    const { cachedBuilderSteps, cachedSharedSteps, cachedSteps, ranSteps } = figures;
    const cachedUnknown = cachedSteps - cachedBuilderSteps - cachedSharedSteps;
    expect(cachedSteps).to.be.greaterThan(0);
    expect({ cached_builder: 0, cached_shared: 0, cached_unknown: 0, ran: 0, ...steps }).to.deep.equal({
      cached_builder: cachedBuilderSteps,
      cached_shared: cachedSharedSteps,
      cached_unknown: cachedUnknown,
      ran: ranSteps,
    });

    // The history keeps whole milliseconds.
    const savedMs = 1_000 * (series.get("memobuild_build_saved_seconds_total") ?? Number.NaN);
    expect(figures.savedMs).to.be.greaterThan(0).and.to.be.closeTo(savedMs, figures.builds);
    const counts = Object.fromEntries(figures.causes.map(({ kind, count }) => [kind, count]));
    expect(growth(NOTHING, series, "memobuild_misses_total")).to.deep.equal(counts);
  });

  it("agree with the trend of the same window", async () => {
    const { buckets, exportLagMs, waitMs } = await world().builds.trend({ sinceMs, buckets: 7 });
    const sum = (of: (bucket: (typeof buckets)[number]) => number): number =>
      buckets.reduce((total, bucket) => total + of(bucket), 0);
    expect(figures).to.include({
      builds: sum(({ builds }) => builds),
      failed: sum(({ failed }) => failed),
      cacheableSteps: sum(({ cacheableSteps }) => cacheableSteps),
      cachedSteps: sum(({ cachedSteps }) => cachedSteps),
      savedMs: sum(({ savedMs }) => savedMs),
      succeeded: waitMs.count,
    });
    const published = series.get('memobuild_cache_exports_total{result="published"}');
    expect(exportLagMs.count).to.equal(published).and.to.be.greaterThan(0);
    expect(waitMs.medianMs).to.be.greaterThan(0);
  });

  it("name what costs most", () => {
    expect(figures.costsMost?.text).to.match(/^Changed files made 2 steps run again, \d/);
  });

  it("show as JSON what the text of the metrics shows", async () => {
    const { metrics } = await world().api.metrics();
    const labeled = (name: string): Record<string, number> => {
      const samples = metrics.find((family) => family.name === name)?.samples ?? [];
      return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(), value]));
    };
    for (const name of ["memobuild_builds_total", "memobuild_build_steps_total", "memobuild_misses_total"]) {
      const { ...shown } = labeled(name);
      const grown = Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== 0));
      expect(grown, name).to.deep.equal(growth(NOTHING, series, name));
    }
  });

  it("count what the cache was given for, by export and by project", async () => {
    const { cache } = world().api;
    const exports = await cache.list({ limit: 10 });
    const [project] = await cache.projects();
    // The second build was given what the first one had exported, the third what both had.
    expect(Math.max(...exports.map(({ hits }) => hits))).to.equal(2);
    const hits = exports.reduce((sum, each) => sum + each.hits, 0);
    expect(project).to.include({ exports: exports.length, hits });
    const { blobBytes, unreferencedBytes } = await cache.usage();
    expect(project?.sizeBytes).to.equal(blobBytes - unreferencedBytes);
  });

  it("show what the builder and MemoBuild used", async () => {
    const { load, series: used } = await poll(
      () => world().api.builders.usageHistory(),
      ({ series: [builder] }) => (builder?.samples.length ?? 0) > 0,
      { what: "a sample was taken" },
    );
    expect(used.map(({ name }) => name)).to.deep.equal([world().daemon.address, "memobuild"]);
    expect(used.at(-1)?.samples.at(-1)?.memoryBytes).to.be.greaterThan(0);
    expect(load.length).to.be.greaterThan(0);
  });

  it("tell what was removed, and why", async () => {
    const before = await world().api.cache.list({ limit: 10 });
    // Builds hold what they were given for some time; none of them is known any more.
    await world().restart();
    const { cache } = world().api;
    expect(await cache.list({ limit: 10 })).to.deep.equal(before);
    await cache.prune({}, new AbortController().signal);
    const removals = await cache.removals(10);
    expect(removals.map(({ ref, rule }) => `${rule} ${ref}`)).to.have.members(before.map(({ ref }) => `prune ${ref}`));
    expect(await cache.projects()).to.deep.equal([]);
  });
});
