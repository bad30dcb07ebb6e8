/** A cursor is read as it was written, and nothing else is a cursor. */
import { expect } from "chai";
import fc from "fast-check";
import { BadCursorError, formatCursor, parseCursor } from "./build-cursor.js";

describe("parseCursor", () => {
  it("reads what formatCursor wrote, which fits into a URL", () => {
    const whole = fc.maxSafeInteger();
    fc.assert(
      fc.property(whole, whole, (startedAtMs, id) => {
        const text = formatCursor({ startedAtMs, id });
        expect(text).to.match(/^[\w-]+$/);
        expect(parseCursor(text)).to.deep.equal({ startedAtMs, id });
      }),
    );
  });

  it("refuses any other text", () => {
    const written = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
    for (const text of [
      "",
      "x",
      "%",
      written([1]),
      written([1.5, 2]),
      written(["1", 2]),
      written(null),
      "A".repeat(1e5),
    ]) {
      expect(() => parseCursor(text), text.slice(0, 20)).to.throw(BadCursorError);
    }
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseCursor(text);
        } catch (error) {
          expect(error).to.be.instanceOf(BadCursorError);
        }
      }),
    );
  });
});
