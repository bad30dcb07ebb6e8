import { expect } from "chai";
import { Tally } from "./tally.js";

describe("Tally", () => {
  it("counts each name by itself, from 0 and back", () => {
    const tally = new Tally();
    tally.add("a", 1);
    tally.add("a", 1);
    tally.add("b", 1);
    tally.add("a", -1);
    expect([tally.of("a"), tally.of("b"), tally.of("c")]).to.deep.equal([1, 1, 0]);
    tally.add("a", -1);
    expect(tally.of("a")).to.equal(0);
  });
});
