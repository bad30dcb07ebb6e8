/** Logs on a terminal: what a build prints cannot speak to the terminal. */
import { expect } from "chai";
import fc from "fast-check";
import { logLine } from "./terminal-text.js";

const ESC = "\u{1b}";

describe("logLine", () => {
  const cases: Readonly<Record<string, readonly [text: string, plain: string, coloured?: string]>> = {
    "plain text": ["make: ok\tdone – ü", "make: ok\tdone – ü"],
    colours: [
      `${ESC}[1;31merror${ESC}[0m x ${ESC}[38:5:9mred`,
      "error x red",
      `${ESC}[1;31merror${ESC}[0m x ${ESC}[38:5:9mred${ESC}[0m`,
    ],
    "cursor moves": [`a${ESC}[2Jb${ESC}[10;10Hc${ESC}[?25ld`, "abcd"],
    titles: [`a${ESC}]0;evil\u{7}b${ESC}]8;;http://x${ESC}\\c`, "abc"],
    "a title without an end": [`a${ESC}]0;evil`, "a"],
    "other strings": [`a${ESC}Pq#0${ESC}\\b${ESC}_x${ESC}\\c`, "abc"],
    "short sequences": [`a${ESC}cb${ESC}(Bc${ESC}7d${ESC}`, "abcd"],
    "sequences of one byte": ["a\u{9b}2Jb", "ab"],
    "a sequence that is cut off": [`a${ESC}[3`, "a"],
    "a sequence behind one that is taken out": [`a${ESC}[${ESC}[2Jb`, "ab"],
    "other controls": ["a\u{8}\u{0}b\u{7}\u{202e}c\u{2028}d", "abcd"],
  };
  for (const [what, [text, plain, coloured = plain]] of Object.entries(cases)) {
    it(`keeps of ${what} what is for people`, () => {
      expect(logLine(text, false)).to.equal(plain);
      expect(logLine(text, true)).to.equal(coloured);
    });
  }

  it("leaves nothing of any text but colours", () => {
    const piece = fc.oneof(
      fc.nat({ max: 0x2fff }).map((code) => String.fromCharCode(code)),
      fc.constantFrom(ESC, "[", "]", "31m", "2J", "\u{9b}", "\u{7}", ";", "\\"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        expect(logLine(text, false)).not.to.match(/(?!\t)\p{Cc}|\p{Cf}/u);
        const [, ...sequences] = logLine(text, true).split(ESC);
        for (const sequence of sequences) expect(sequence).to.match(/^\[[\d;:]*m[^\p{Cc}]*/u);
      }),
    );
  });
});
