/** Values come back as they went in, and damage is noticed. */
import { expect } from "chai";
import fc from "fast-check";
import { jsonLines, pack, slices, unpack } from "./packed-lines.js";

const read = async (bytes: Uint8Array): Promise<unknown[]> => {
  const values: unknown[] = [];
  for await (const value of unpack(bytes)) values.push(value);
  return values;
};

describe("unpack", () => {
  it("gives the values that were packed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), async (values) => {
        const plain: unknown = JSON.parse(JSON.stringify(values));
        expect(await read(await pack(await jsonLines(values)))).to.deep.equal(plain);
      }),
      { numRuns: 50 },
    );
  });

  it("rejects bytes that are cut, changed, or never were packed", async () => {
    const bytes = await pack(await jsonLines(["a".repeat(1000), { b: 1 }]));
    const changed = Buffer.from(bytes);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    for (const damaged of [bytes.subarray(0, -6), changed, Buffer.from("no"), Buffer.alloc(0)]) {
      expect(await read(damaged).catch((error: unknown) => error)).to.be.an("error");
    }
  });

  it("lets others have their turn between lines", async () => {
    let turns = 0;
    const count = (): void => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await jsonLines(Array.from({ length: 20 }, (_, index) => index));
    clearImmediate(immediate);

    expect(turns).to.be.at.least(19);
  });
});

describe("slices", () => {
  it("cuts a list into parts of that size, and a rest", () => {
    expect([...slices([1, 2, 3, 4, 5], 2)]).to.deep.equal([[1, 2], [3, 4], [5]]);
    expect([...slices([], 2)]).to.deep.equal([]);
  });
});
