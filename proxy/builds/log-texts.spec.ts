/** Promises of the texts of logs: no value of an argument is in them, however the bytes come. */
import { expect } from "chai";
import fc from "fast-check";
import { LogTexts } from "./log-texts.js";

const TOKEN = "s3cret-välue";

describe("LogTexts", () => {
  const all = (texts: LogTexts, pieces: readonly Buffer[]): string => {
    const told = pieces.map((piece) => texts.add("a", 1, piece));
    return [...told, ...texts.end("a").map(({ text }) => text)].join("");
  };

  it("gives text as it comes", () => {
    const texts = new LogTexts(new Map([["TOKEN", TOKEN]]));
    expect(texts.add("a", 1, Buffer.from("hello\n"))).to.equal("hello\n");
    expect(texts.end("a")).to.deep.equal([]);
  });

  it("holds back what may become a value, until it cannot or the step ends", () => {
    const texts = new LogTexts(new Map([["TOKEN", TOKEN]]));
    expect(texts.add("a", 1, Buffer.from("x s3"))).to.equal("x ");
    expect(texts.add("a", 1, Buffer.from("nse s3c"))).to.equal("s3nse ");
    expect(texts.end("a")).to.deep.equal([{ stream: 1, text: "s3c" }]);
    expect(texts.end("a")).to.deep.equal([]);
  });

  it("keeps steps and streams apart", () => {
    const texts = new LogTexts(new Map([["TOKEN", "s3cret"]]));
    expect(texts.add("a", 1, Buffer.from("s3c"))).to.equal("");
    expect(texts.add("a", 2, Buffer.from("ret"))).to.equal("ret");
    expect(texts.add("b", 1, Buffer.from("ret"))).to.equal("ret");
    expect(texts.add("a", 1, Buffer.from("ret"))).to.equal("${TOKEN}");
    expect(texts.add("b", 1, Buffer.from("s"))).to.equal("");
    expect(texts.endAll()).to.deep.equal([{ step: "b", stream: 1, text: "s" }]);
  });

  it("leaves values out wherever the bytes are cut, and keeps the rest", () => {
    const part = fc.constantFrom(TOKEN, "s3cr", "-", "ü", "\n", "€", "word ");
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), sizes, (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const size = cuts[pieces.length % cuts.length] ?? 1;
          pieces.push(bytes.subarray(at, at + size));
          at += size;
        }
        const told = all(new LogTexts(new Map([["TOKEN", TOKEN]])), pieces);
        expect(told).to.equal(parts.join("").replaceAll(TOKEN, "${TOKEN}"));
      }),
    );
  });

  it("leaves a value out that begins like itself", () => {
    const texts = new LogTexts(new Map([["A", "abab"]]));
    const pieces = ["xab", "abab", "ab"].map((text) => Buffer.from(text));
    expect(all(texts, pieces)).to.equal("x${A}${A}");
  });

  it("takes bytes that are no text", () => {
    const told = all(new LogTexts(new Map()), [Buffer.from([0xff, 0xe2]), Buffer.from([0x82])]);
    expect(told).to.equal("\ufffd\ufffd");
  });
});
