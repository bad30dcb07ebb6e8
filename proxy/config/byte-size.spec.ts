/** Sizes: what is read, what is refused and why, and how they are printed. */
import { expect } from "chai";
import fc from "fast-check";
import { byteSizeFrom, formatByteSize, parseByteSize } from "./byte-size.js";

describe("parseByteSize", () => {
  const gib = 1024 ** 3;
  const cases = {
    "0b": 0,
    "100B": 100,
    "1k": 1024,
    "512mb": 512 * 1024 ** 2,
    "20g": 20 * gib,
    "20gb": 20 * gib,
    "20GB": 20 * gib,
    "20GiB": 20 * gib,
    "1.5gib": 1.5 * gib,
    "2TB": 2048 * gib,
  };
  for (const [text, sizeBytes] of Object.entries(cases)) {
    it(`reads ${text}`, () => {
      expect(parseByteSize(text)).to.equal(sizeBytes);
    });
  }

  for (const text of ["", "0", "20", "gb", "-1gb", "1.gb", ".5gb", "1 gb", "1gbb", "1ib", "1bb", "1xb", "1toString"]) {
    it(`refuses "${text}"`, () => {
      expect(parseByteSize(text)).to.equal(undefined);
    });
  }
});

describe("formatByteSize", () => {
  it("prints three digits and a unit, as Docker does", () => {
    const sizes = [0, 1, 999, 1000, 1234, 999_499, 999_500, 1_234_567_890, 20 * 1024 ** 3];
    expect(sizes.map(formatByteSize)).to.deep.equal([
      "0B",
      "1B",
      "999B",
      "1kB",
      "1.23kB",
      "999kB",
      "1MB",
      "1.23GB",
      "21.5GB",
    ]);
  });

  it("is never further off than half of its last digit", () => {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    fc.assert(
      fc.property(fc.maxSafeNat(), (sizeBytes) => {
        const [, digits = "", unit = ""] = /^([\d.]+)([kMGTP]?B)$/.exec(formatByteSize(sizeBytes)) ?? [];
        expect(Number(digits) * 1000 ** units.indexOf(unit)).to.be.closeTo(sizeBytes, sizeBytes * 0.0051);
      }),
    );
  });
});

describe("byteSizeFrom", () => {
  const schema = byteSizeFrom(1024 ** 2);
  const messageOf = (text: string) => schema.safeParse(text).error?.issues[0]?.message;

  it("includes its bound", () => {
    expect(schema.parse("1MiB")).to.equal(1024 ** 2);
  });

  it("asks for a unit, and says what is too small or no size at all", () => {
    expect(messageOf("45")).to.equal('"45" has no unit, as in 512mb or 20GiB');
    expect(messageOf("1k")).to.equal('"1k" is less than 1.05MB');
    expect(messageOf("much")).to.equal('"much" is not a size, as in 512mb or 20GiB');
  });
});
