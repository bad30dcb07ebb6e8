/** When there are colours. */
import { expect } from "chai";
import { painterFor } from "./paint.js";

const terminal = { write: () => true, isTTY: true };

describe("painterFor", () => {
  it("colours on a terminal", () => {
    const { isColoured, paint } = painterFor(terminal, { TERM: "xterm", NO_COLOR: "" });
    expect({ isColoured, text: paint("x", "red"), nothing: paint("", "red") }).to.deep.equal({
      isColoured: true,
      text: "\u{1b}[31mx\u{1b}[0m",
      nothing: "",
    });
  });

  it("does not colour a pipe, nor where NO_COLOR is set, nor on a dumb terminal", () => {
    const painters = [
      painterFor({ write: () => true }, {}),
      painterFor(terminal, { NO_COLOR: "1" }),
      painterFor(terminal, { TERM: "dumb" }),
    ];
    for (const { isColoured, paint } of painters) {
      expect({ isColoured, text: paint("x", "red") }).to.deep.equal({ isColoured: false, text: "x" });
    }
  });
});
