/** Ages: the largest unit of which there are two. */
import { expect } from "chai";
import { formatAge } from "./age.js";

describe("formatAge", () => {
  const cases: [number, string][] = [
    [-5000, "just now"],
    [1999, "just now"],
    [2000, "2 seconds ago"],
    [119_999, "119 seconds ago"],
    [120_000, "2 minutes ago"],
    [7_200_000, "2 hours ago"],
    [47 * 3_600_000, "47 hours ago"],
    [2 * 86_400_000, "2 days ago"],
    [14 * 86_400_000, "2 weeks ago"],
    [60 * 86_400_000, "2 months ago"],
    [800 * 86_400_000, "2 years ago"],
  ];
  for (const [ageMs, text] of cases) {
    it(`says ${text} of ${ageMs} ms`, () => {
      expect(formatAge(ageMs)).to.equal(text);
    });
  }
});
