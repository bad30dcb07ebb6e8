/** The README's table of options and the options themselves say the same. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { OPTIONS } from "./options.js";
import { optionsTableIn, renderOptionsTable, withOptionsTable } from "./options-table.js";

describe("renderOptionsTable", () => {
  it("is what the README shows, row by row", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const rows = (table: string | undefined) => table?.split("\n");
    const message = "the README's options are out of date: run npm run docs:options";
    expect(rows(optionsTableIn(readme)), message).to.deep.equal(rows(renderOptionsTable()));
  });

  it("has one row for each option, all of one width", () => {
    const rows = renderOptionsTable().split("\n");
    expect(rows).to.have.length(OPTIONS.length + 2);
    expect(new Set(rows.map((row) => row.length)).size).to.equal(1);
  });
});

describe("withOptionsTable", () => {
  it("replaces what stands between the markers and nothing else", () => {
    const readme = "# Title\n<!-- options -->\nold\n<!-- /options -->\nrest\n";
    const updated = withOptionsTable(readme);
    expect(updated).to.equal(`# Title\n<!-- options -->\n\n${renderOptionsTable()}\n\n<!-- /options -->\nrest\n`);
    expect(withOptionsTable(updated)).to.equal(updated);
  });

  it("refuses a README without the markers", () => {
    for (const readme of ["", "<!-- options -->"])
      expect(() => withOptionsTable(readme)).to.throw("has no <!-- options -->");
  });
});
