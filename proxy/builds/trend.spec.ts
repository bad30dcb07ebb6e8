/** A trend counts each build once, where it began. */
import { expect } from "chai";
import fc from "fast-check";
import { spreadOf, trendOf, type TrendPart } from "./trend.js";

const part = (startedAtMs: number, other: Partial<TrendPart> = {}): TrendPart => ({
  ...{ startedAtMs, builds: 1, failed: 0, cacheableSteps: 0, cachedSteps: 0, savedMs: 0 },
  ...{ waitsMs: [], exportLagsMs: [] },
  ...other,
});

describe("trendOf", () => {
  it("sums up parts by where they started, and shows empty buckets", () => {
    const steps = { cacheableSteps: 4, cachedSteps: 3, savedMs: 50 };
    const trend = trendOf({ sinceMs: 1000, untilMs: 4000, buckets: 3 }, [
      part(1000, { ...steps, waitsMs: [10] }),
      part(1999, { ...steps, waitsMs: [30], exportLagsMs: [7] }),
      part(3000, { ...steps, builds: 5, failed: 2 }),
      part(4000),
    ]);

    const none = { count: 0, medianMs: 0, p95Ms: 0 };
    const empty = {
      builds: 0,
      failed: 0,
      cacheableSteps: 0,
      cachedSteps: 0,
      savedMs: 0,
      waitMs: none,
      exportLagMs: none,
    };
    const waitMs = { count: 2, medianMs: 10, p95Ms: 30 };
    const exportLagMs = { count: 1, medianMs: 7, p95Ms: 7 };
    expect(trend).to.deep.equal({
      ...{ sinceMs: 1000, untilMs: 4000, bucketMs: 1000, waitMs, exportLagMs },
      buckets: [
        { ...empty, startMs: 1000, builds: 2, cacheableSteps: 8, cachedSteps: 6, savedMs: 100, waitMs, exportLagMs },
        { ...empty, startMs: 2000 },
        { ...empty, startMs: 3000, builds: 6, failed: 2, ...steps },
      ],
    });
  });

  it("takes a window of no length", () => {
    const { bucketMs, buckets } = trendOf({ sinceMs: 5, untilMs: 5, buckets: 2 }, [part(5)]);
    expect([bucketMs, buckets.map(({ builds }) => builds)]).to.deep.equal([0, [0, 1]]);
  });

  it("loses no build of the window, whatever its parts", () => {
    const started = fc.array(fc.integer({ min: 100, max: 900 }), { maxLength: 50 });
    fc.assert(
      fc.property(started, fc.integer({ min: 1, max: 200 }), (times, count) => {
        const { buckets } = trendOf(
          { sinceMs: 100, untilMs: 900, buckets: count },
          times.map((at) => part(at)),
        );
        expect(buckets).to.have.length(count);
        expect(buckets.reduce((sum, { builds }) => sum + builds, 0)).to.equal(times.length);
      }),
    );
  });
});

describe("spreadOf", () => {
  it("gives durations that were there", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(spreadOf(hundred)).to.deep.equal({ count: 100, medianMs: 50, p95Ms: 95 });
    expect(spreadOf([7])).to.deep.equal({ count: 1, medianMs: 7, p95Ms: 7 });
    expect(spreadOf([9, 100])).to.deep.equal({ count: 2, medianMs: 9, p95Ms: 100 });
    expect(spreadOf([])).to.deep.equal({ count: 0, medianMs: 0, p95Ms: 0 });
  });
});
