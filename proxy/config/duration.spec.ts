/** Durations: what is read, what is refused, and that both directions agree. */
import { expect } from "chai";
import fc from "fast-check";
import { durationBetween, formatDuration, parseDurationMs } from "./duration.js";

describe("parseDurationMs", () => {
  const cases = {
    "0s": 0,
    "500ms": 500,
    "30s": 30_000,
    "5m": 300_000,
    "2h": 7_200_000,
    "30d": 2_592_000_000,
    "1w": 604_800_000,
    "0ms": 0,
  };
  for (const [text, durationMs] of Object.entries(cases)) {
    it(`reads ${text}`, () => {
      expect(parseDurationMs(text)).to.equal(durationMs);
    });
  }

  for (const text of [
    "",
    "30",
    "s",
    "-1s",
    "1.5s",
    "30 s",
    "30S",
    "1D",
    "1y",
    "1m30s",
    "1toString",
    "9".repeat(13) + "s",
  ]) {
    it(`refuses "${text}"`, () => {
      expect(parseDurationMs(text)).to.equal(undefined);
    });
  }
});

describe("formatDuration", () => {
  it("is read back as the same duration", () => {
    fc.assert(
      fc.property(fc.nat(), (durationMs) => {
        expect(parseDurationMs(formatDuration(durationMs))).to.equal(durationMs);
      }),
    );
  });

  it("uses the largest unit that is exact", () => {
    expect(
      [0, 250, 90_000, 120_000, 3_600_000, 86_400_000, 604_800_000, 2_592_000_000].map(formatDuration),
    ).to.deep.equal(["0s", "250ms", "90s", "2m", "1h", "1d", "1w", "30d"]);
  });
});

describe("durationBetween", () => {
  const schema = durationBetween(1000, 60_000);

  it("includes both bounds", () => {
    expect([schema.parse("1s"), schema.parse("1m")]).to.deep.equal([1000, 60_000]);
  });

  it("names the bounds for a value outside", () => {
    for (const text of ["999ms", "61s"]) {
      expect(schema.safeParse(text).error?.issues[0]?.message).to.equal(`"${text}" is outside 1s to 1m`);
    }
  });
});
