/** Promises of the Huffman decoder, with the examples of RFC 7541 Appendix C. */
import { expect } from "chai";
import fc from "fast-check";
import { decodeHuffman } from "./huffman.js";

const decode = (hex: string): string | undefined => decodeHuffman(Buffer.from(hex, "hex"))?.toString("latin1");

describe("decodeHuffman", () => {
  it("decodes the strings of RFC 7541", () => {
    expect(decode("f1e3c2e5f23a6ba0ab90f4ff")).to.equal("www.example.com");
    expect(decode("a8eb10649cbf")).to.equal("no-cache");
    expect(decode("25a849e95ba97d7f")).to.equal("custom-key");
    expect(decode("25a849e95bb8e8b4bf")).to.equal("custom-value");
    expect(decode("6402")).to.equal("302");
    expect(decode("d07abe941054d444a8200595040b8166e082a62d1bff")).to.equal("Mon, 21 Oct 2013 20:13:21 GMT");
    expect(
      decode("94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"),
    ).to.equal("foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
  });

  it("decodes codes of 30 bits", () => {
    // 0x3ffffffc is the code of byte 10 (line feed): 30 bits, then two bits of padding.
    expect(decode("fffffff3")).to.equal("\n");
  });

  it("refuses padding of more than seven bits, padding with zeros, and EOS", () => {
    expect(decode("ff")).to.equal(undefined);
    expect(decode("a8eb10649cbe")).to.equal(undefined);
    expect(decode("fffffffc")).to.equal(undefined);
    expect(decode("ffffffff")).to.equal(undefined);
  });

  it("takes any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoded = decodeHuffman(bytes);
        expect((decoded?.length ?? 0) * 5).to.be.at.most(bytes.length * 8);
      }),
    );
  });
});
