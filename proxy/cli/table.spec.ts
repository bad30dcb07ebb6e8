/** Tables and pairs: what is below each other. */
import { expect } from "chai";
import { renderPairs, renderTable, truncate } from "./table.js";

describe("renderTable", () => {
  it("aligns columns, whatever their cells are painted with", () => {
    const rows = [
      ["a", "long cell", "x"],
      ["bb", "", "y"],
    ];
    expect(renderTable(["ONE", "TWO", "THREE"], rows)).to.equal(
      ["ONE   TWO         THREE", "a     long cell   x", "bb                y", ""].join("\n"),
    );
    const painted = renderTable(["ONE", "TWO", "THREE"], rows, (cell, row, column) =>
      row === 0 && column === 1 ? `<${cell}>` : cell,
    );
    expect(painted).to.include("a     <long cell>   x\n").and.include("ONE   TWO         THREE\n");
  });
});

describe("renderPairs", () => {
  it("writes values below each other, and leaves out what has none", () => {
    expect(
      renderPairs([
        ["Name", "x"],
        ["Nothing", ""],
        ["Longer", "y"],
      ]),
    ).to.equal("Name:    x\nLonger:  y\n");
  });
});

describe("truncate", () => {
  it("ends what is too long with an ellipsis", () => {
    expect([truncate("abc", 3), truncate("abcd", 3)]).to.deep.equal(["abc", "ab…"]);
  });
});
