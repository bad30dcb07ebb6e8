/** The documentation's tables of options and the options themselves say the same. */
import { readFileSync } from "node:fs";
import { expect } from "chai";
import { OPTIONS, usageOf } from "./options.js";
import { optionsIn, renderOptions, withOptions } from "./options-table.js";

describe("renderOptions", () => {
  it("is what docs/configuration.md shows, line by line", () => {
    const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
    const lines = (text: string | undefined) => text?.split("\n");
    const message = "the options in docs/configuration.md are out of date: run npm run docs:options";
    expect(lines(optionsIn(page)), message).to.deep.equal(lines(renderOptions()));
  });

  it("has one row for each option, and says which can be changed while MemoBuild runs", () => {
    const rows = renderOptions().split("\n");
    for (const option of OPTIONS) {
      const own = rows.filter((row) => row.startsWith(`| \`${usageOf(option)}\``));
      expect(own, option.name).to.have.length(1);
      expect(own[0]?.includes("| can be changed |"), option.name).to.equal(option.isChangeable === true);
    }
  });

  it("has columns of one width in each table", () => {
    for (const section of renderOptions()
      .split(/^## .*$/m)
      .slice(1)) {
      const rows = section.trim().split("\n");
      expect(new Set(rows.map((row) => row.length)).size).to.equal(1);
    }
  });
});

describe("withOptions", () => {
  it("replaces what stands between the markers and nothing else", () => {
    const page = "# Title\n<!-- options -->\nold\n<!-- /options -->\nrest\n";
    const updated = withOptions(page);
    expect(updated).to.equal(`# Title\n<!-- options -->\n\n${renderOptions()}\n\n<!-- /options -->\nrest\n`);
    expect(withOptions(updated)).to.equal(updated);
  });

  it("refuses a page without the markers", () => {
    for (const page of ["", "<!-- options -->"]) expect(() => withOptions(page)).to.throw("has no <!-- options -->");
  });
});
