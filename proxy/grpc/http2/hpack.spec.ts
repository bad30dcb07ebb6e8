/** Promises of the HPACK decoder and encoder, with the examples of RFC 7541 Appendix C. */
import { expect } from "chai";
import fc from "fast-check";
import { HpackDecoder, HpackError } from "./hpack-decoder.js";
import { encodeHeaders } from "./hpack-encoder.js";

const decoder = (listMaxBytes = 1 << 20): HpackDecoder => new HpackDecoder({ listMaxBytes });
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("HpackDecoder", () => {
  it("decodes requests in sequence with a dynamic table (RFC 7541 C.3)", () => {
    const subject = decoder();
    const first = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"];
    expect(subject.decode(hex("8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"))).to.deep.equal(first);
    expect(subject.decode(hex("8286 84be 5808 6e6f 2d63 6163 6865"))).to.deep.equal([
      ...first,
      "cache-control",
      "no-cache",
    ]);
    expect(
      subject.decode(hex("8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65")),
    ).to.deep.equal([
      ...[":method", "GET", ":scheme", "https", ":path", "/index.html", ":authority", "www.example.com"],
      ...["custom-key", "custom-value"],
    ]);
  });

  it("decodes Huffman strings (RFC 7541 C.4.1)", () => {
    expect(decoder().decode(hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))).to.deep.equal([
      ...[":method", "GET", ":scheme", "http", ":path", "/", ":authority", "www.example.com"],
    ]);
  });

  it("evicts the oldest entries when the table is full", () => {
    const subject = decoder();
    const insert = (name: string, value: string): Buffer =>
      Buffer.concat([
        Buffer.from([0x40, name.length]),
        Buffer.from(name),
        Buffer.from([value.length]),
        Buffer.from(value),
      ]);
    // 100 entries of 1 + 50 + 32 bytes: the table of 4,096 bytes holds the last 49.
    for (let i = 0; i < 100; i++) subject.decode(insert("a", String(i).padStart(50, "0")));
    expect(subject.decode(Buffer.from([0x80 | 62]))[1]).to.match(/99$/);
    expect(subject.decode(Buffer.from([0x80 | (61 + 49)]))[1]).to.match(/51$/);
    expect(() => subject.decode(Buffer.from([0x80 | (61 + 50)]))).to.throw(HpackError);
  });

  it("follows table size updates, and refuses one over the limit or after a field", () => {
    const subject = decoder();
    subject.decode(hex("4001 6101 62"));
    subject.decode(hex("20"));
    expect(() => subject.decode(hex("be"))).to.throw(HpackError, "no table entry");
    expect(() => decoder().decode(hex("3fe2 1f"))).to.throw(HpackError, "over what we allow");
    expect(() => decoder().decode(hex("8220"))).to.throw(HpackError, "after a field");
  });

  it("refuses what ends early, an endless integer, and index 0", () => {
    for (const block of ["40", "4001", "400161", "40016105", "7fffffffff7f", "80"]) {
      expect(() => decoder().decode(hex(block)), block).to.throw(HpackError);
    }
  });

  it("refuses a list over its limit, also one of tiny references to a large entry", () => {
    const subject = decoder(10_000);
    const bomb = Buffer.concat([hex("4001 617f b916"), Buffer.alloc(3_000, "b"), Buffer.alloc(50, 0xbe)]);
    expect(() => subject.decode(bomb)).to.throw(HpackError, "header list over 10000 bytes");
  });

  it("throws nothing but HpackError on any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(decoder().decode(Buffer.from(bytes)).length % 2).to.equal(0);
        } catch (error) {
          expect(error).to.be.instanceOf(HpackError);
        }
      }),
    );
  });
});

describe("encodeHeaders", () => {
  it("is undone by the decoder: names, values, order and repetition", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((byte) => String.fromCharCode(byte)),
      maxLength: 300,
    });
    const name = fc.oneof(fc.constantFrom(":path", ":method", "user-agent", "a"), text);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 20 }), (fields) => {
        const subject = decoder();
        expect(subject.decode(encodeHeaders(fields.flat()))).to.deep.equal(fields.flat());
        expect(subject.decode(encodeHeaders(fields.flat()))).to.deep.equal(fields.flat());
      }),
    );
  });

  it("encodes a value of 1 MiB", () => {
    const headers = ["grpc-status-details-bin", "A".repeat(1 << 20)];
    expect(decoder(1 << 22).decode(encodeHeaders(headers))).to.deep.equal(headers);
  });

  it("marks every literal as never to be indexed", () => {
    // After the table size update: 0x1… is a literal never indexed.
    expect((encodeHeaders(["authorization", "Bearer x"])[1] ?? 0) & 0xf0).to.equal(0x10);
    expect((encodeHeaders(["x-token", "x"])[1] ?? 0) & 0xf0).to.equal(0x10);
  });
});
