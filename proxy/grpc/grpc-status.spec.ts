/** Promises of gRPC statuses as they are read from trailers. */
import { expect } from "chai";
import fc from "fast-check";
import { codeOfTrailers, GRPC_CODES, messageOfTrailers, statusHeaders } from "./grpc-status.js";

describe("messageOfTrailers", () => {
  it("gives back each text that was encoded for the wire", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom(...GRPC_CODES), (text, code) => {
        const trailers = statusHeaders(code, text);
        expect([codeOfTrailers(trailers), messageOfTrailers(trailers)]).to.deep.equal([code, text]);
      }),
    );
  });

  for (const [what, message, text] of [
    ["lower-case digits", "%c3%bc", "ü"],
    ["a percent sign that encodes nothing", "100% of %zz %4", "100% of %zz %4"],
    ["bytes that are no UTF-8", "a%ffb", "a\ufffdb"],
    ["bytes that were not encoded", Buffer.from("ü").toString("latin1"), "ü"],
  ] as const) {
    it(`reads ${what}`, () => {
      expect(messageOfTrailers(["grpc-status", "2", "grpc-message", message])).to.equal(text);
    });
  }

  it("is empty where there is none", () => {
    expect(messageOfTrailers([])).to.equal("");
    expect(messageOfTrailers(["grpc-status", "0"])).to.equal("");
  });
});
