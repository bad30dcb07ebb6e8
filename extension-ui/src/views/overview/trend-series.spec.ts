/** A trend for charts and tables. */
import { expect } from "chai";
import type { Trend } from "../../api/openapi.js";
import * as series from "./trend-series.js";

const HOUR_MS = 3_600_000;
const NONE = { count: 0, medianMs: 0, p95Ms: 0 };
const START_MS = new Date(2026, 10, 22, 6).getTime();

const empty = { builds: 0, failed: 0, cacheableSteps: 0, cachedSteps: 0, savedMs: 0, waitMs: NONE, exportLagMs: NONE };
const trend: Trend = {
  ...{ sinceMs: START_MS, untilMs: START_MS + 2 * HOUR_MS, bucketMs: HOUR_MS },
  buckets: [
    { ...empty, startMs: START_MS },
    {
      ...{ startMs: START_MS + HOUR_MS, builds: 3, failed: 1, cacheableSteps: 10, cachedSteps: 4, savedMs: 7 },
      ...{ waitMs: { count: 2, medianMs: 1500, p95Ms: 4000 }, exportLagMs: NONE },
    },
  ],
  ...{ waitMs: { count: 2, medianMs: 1500, p95Ms: 4000 }, exportLagMs: NONE },
};

describe("bucketLabel", () => {
  const label = (bucketMs: number, days: number): string =>
    series.bucketLabel(START_MS, { ...trend, bucketMs, untilMs: START_MS + days * 24 * HOUR_MS });

  it("tells as much as the window needs", () => {
    expect(label(HOUR_MS, 1)).to.equal("06:00");
    expect(label(6 * HOUR_MS, 7)).to.equal("Nov 22 06:00");
    expect(label(24 * HOUR_MS, 30)).to.equal("Nov 22");
  });
});

describe("buildSeries", () => {
  it("counts each build once", () => {
    expect(series.buildSeries(trend).map(({ values }) => values)).to.deep.equal([
      [0, 2],
      [0, 1],
    ]);
  });
});

describe("hitRateSeries", () => {
  it("has no rate where nothing could be cached", () => {
    expect(series.hitRateSeries(trend).values).to.deep.equal([null, 0.4]);
  });
});

describe("waitSeries", () => {
  it("has no time where nobody waited", () => {
    expect(series.waitSeries(trend).map(({ values }) => values)).to.deep.equal([
      [null, 1500],
      [null, 4000],
      [null, null],
      [null, null],
    ]);
  });
});

describe("texts of charts", () => {
  it("say what the charts show", () => {
    expect(series.buildsText(trend)).to.equal("3 started, 1 of them failed; 3 at most in one bar.");
    expect(series.hitRateText(trend)).to.equal("From 40% to 40%.");
    expect(series.waitText(trend)).to.equal(
      "Clients waited 1.5s in the median, 4.0s at p95; adding to the cache then took no time.",
    );
    expect(series.hitRateText({ ...trend, buckets: [] })).to.equal("No step could be cached.");
  });
});
