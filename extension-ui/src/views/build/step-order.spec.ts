import { expect } from "chai";
import { inOrder } from "./step-order.js";

describe("inOrder", () => {
  it("puts steps after those that they need", () => {
    const edges = [
      { from: 3, to: 1 },
      { from: 1, to: 0 },
      { from: 2, to: 0 },
    ];
    expect(inOrder([0, 1, 2, 3], edges)).to.deep.equal([2, 3, 1, 0]);
  });

  it("keeps what is part of a ring, and ignores edges of others", () => {
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 0 },
      { from: 7, to: 2 },
    ];
    expect(inOrder([0, 1, 2], edges)).to.deep.equal([2, 0, 1]);
  });
});
