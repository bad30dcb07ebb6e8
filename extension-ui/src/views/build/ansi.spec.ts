import { expect } from "chai";
import fc from "fast-check";
import { segmentsOf } from "./ansi.js";

const ESC = "\u{1b}";
const textOf = (line: string): string =>
  segmentsOf(line)
    .map(({ text }) => text)
    .join("");

describe("segmentsOf", () => {
  it("keeps a plain line as it is", () => {
    expect(segmentsOf("go build\t./...")).to.deep.equal([{ text: "go build\t./...", isBold: false }]);
    expect(segmentsOf("")).to.deep.equal([]);
  });

  it("tells colours by name until they are reset", () => {
    expect(segmentsOf(`a${ESC}[1;31mb${ESC}[39mc${ESC}[0md${ESC}[92me`)).to.deep.equal([
      { text: "a", isBold: false },
      { text: "b", isBold: true, colour: "red" },
      { text: "c", isBold: true },
      { text: "d", isBold: false },
      { text: "e", isBold: false, colour: "green" },
    ]);
  });

  it("passes over colours without a name", () => {
    expect(segmentsOf(`${ESC}[38;5;31mx${ESC}[38;2;31;32;33;34my`)).to.deep.equal([
      { text: "x", isBold: false },
      { text: "y", isBold: false, colour: "blue" },
    ]);
  });

  it("leaves out what moves the cursor, links, titles and what is cut off", () => {
    expect(textOf(`${ESC}[2K${ESC}[1Aa${ESC}]8;;http://x${ESC}\\b${ESC}]0;title\u{7}c\u{202e}\u{8}d${ESC}[3`)).to.equal(
      "abcd",
    );
  });

  it("never leaves a control character, whatever the line", () => {
    const piece = fc.oneof(fc.string(), fc.constantFrom(ESC, "[", "31m", "]0;", "\u{7}", "\u{9b}", "\r"));
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(textOf(pieces.join(""))).to.match(/^(?:\t|[^\p{Cc}\p{Cf}])*$/u);
      }),
    );
  });
});
