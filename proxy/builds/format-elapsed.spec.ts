/** Durations for people. */
import { expect } from "chai";
import fc from "fast-check";
import { formatElapsed } from "./format-elapsed.js";

describe("formatElapsed", () => {
  const cases: readonly (readonly [number, string])[] = [
    [-5, "0.0s"],
    [0, "0.0s"],
    [49, "0.0s"],
    [50, "0.1s"],
    [1234, "1.2s"],
    [59_949, "59.9s"],
    [59_950, "1m 0s"],
    [184_000, "3m 4s"],
    [3_599_499, "59m 59s"],
    [3_599_500, "1h 0m"],
    [7_500_000, "2h 5m"],
    [100 * 3_600_000, "100h 0m"],
  ];
  for (const [durationMs, text] of cases) {
    it(`says ${text} of ${durationMs} ms`, () => {
      expect(formatElapsed(durationMs)).to.equal(text);
    });
  }

  it("never counts sixty of a unit", () => {
    fc.assert(
      fc.property(fc.nat({ max: 100 * 3_600_000 }), (durationMs) => {
        expect(formatElapsed(durationMs)).to.match(/^([1-5]?\d\.\ds|[1-5]?\dm [1-5]?\ds|\d+h [1-5]?\dm)$/);
      }),
    );
  });
});
