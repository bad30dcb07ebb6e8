import { expect } from "chai";
import fc from "fast-check";
import protobuf from "protobufjs";
import { fieldsOf, withoutMapEntry } from "./raw-message.js";

const entry = (key: string, value: string): Buffer =>
  Buffer.from(protobuf.Writer.create().uint32(10).string(key).uint32(18).string(value).finish());
const message = (entries: readonly (readonly [string, string])[]): Buffer => {
  const writer = protobuf.Writer.create()
    .uint32((999 << 3) | 5)
    .fixed32(7);
  for (const [key, value] of entries) writer.uint32(10).bytes(entry(key, value));
  return Buffer.from(
    writer
      .uint32((998 << 3) | 0)
      .uint64(300)
      .finish(),
  );
};

describe("fieldsOf", () => {
  it("gives all bytes of the message, field by field", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { maxLength: 5 }), (entries) => {
        const bytes = message(entries);
        expect(Buffer.concat([...fieldsOf(bytes)].map((field) => field.bytes)).equals(bytes)).to.equal(true);
      }),
    );
  });

  it("refuses bytes that are no message", () => {
    expect(() => [...fieldsOf(Buffer.from([0x0a, 0x7f, 1]))]).to.throw(RangeError);
  });
});

describe("withoutMapEntry", () => {
  it("leaves out the entries of one key, and nothing else", () => {
    const keys = fc.constantFrom("cache.manifest", "containerimage.digest", "", "other");
    fc.assert(
      fc.property(fc.array(fc.tuple(keys, fc.string()), { maxLength: 6 }), (entries) => {
        const rest = entries.filter(([key]) => key !== "cache.manifest");
        expect(withoutMapEntry(message(entries), 1, "cache.manifest").equals(message(rest))).to.equal(true);
      }),
    );
  });
});
