/** Times of results, as Go writes them. */
import { expect } from "chai";
import fc from "fast-check";
import { compareCreatedAt, isCreatedAt } from "./created-at.js";

describe("isCreatedAt", () => {
  for (const text of [
    "2026-11-22T16:58:01.123456789Z",
    "2026-11-22T16:58:01Z",
    "2024-02-29T23:59:59.5+01:00",
    "0001-01-01T00:00:00Z",
  ]) {
    it(`takes ${text}`, () => {
      expect(isCreatedAt(text)).to.equal(true);
    });
  }

  for (const text of [
    "",
    "2026-11-22",
    "2026-11-22 16:58:01Z",
    "2026-11-22T16:58:01",
    "2026-13-22T16:58:01Z",
    "2026-02-29T16:58:01Z",
    "2026-11-22T24:00:00Z",
    "2026-11-22T16:58:60Z",
    "2026-11-22T16:58:01+24:00",
  ]) {
    it(`refuses ${JSON.stringify(text)}, which Go does not read`, () => {
      expect(isCreatedAt(text)).to.equal(false);
    });
  }
});

describe("compareCreatedAt", () => {
  it("orders by the nanosecond, however many digits are written", () => {
    const inOrder = ["01Z", "01.000000001Z", "01.12345Z", "01.123456789Z", "01.2Z", "01.25Z", "02Z"];
    const times = inOrder.map((end) => `2026-11-22T16:58:${end}`);
    expect([...times].reverse().sort(compareCreatedAt)).to.deep.equal(times);
  });

  it("takes the time zone into account", () => {
    expect(compareCreatedAt("2026-11-22T16:00:00+02:00", "2026-11-22T15:00:00Z")).to.be.below(0);
    expect(compareCreatedAt("2026-11-22T16:00:00.5+01:00", "2026-11-22T15:00:00.5Z")).to.equal(0);
  });

  it("agrees with a comparison of nanoseconds", () => {
    const nanoseconds = fc.bigInt({ min: 0n, max: 3_000_000_000n });
    const textOf = (at: bigint): string => {
      const fraction = (at % 1_000_000_000n).toString().padStart(9, "0").replace(/0+$/, "");
      return `2026-11-22T16:58:0${at / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}Z`;
    };
    fc.assert(
      fc.property(nanoseconds, nanoseconds, (a, b) => {
        expect(Math.sign(compareCreatedAt(textOf(a), textOf(b)))).to.equal(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});
