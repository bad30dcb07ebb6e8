import { expect } from "chai";
import fc from "fast-check";
import { frameMessage, MESSAGE_MAX_BYTES, MessageEdge, MessageReader } from "./message.js";

describe("MessageEdge", () => {
  it("knows after each piece whether a message is cut, wherever pieces end", () => {
    const message = fc.uint8Array({ maxLength: 12 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(9), { maxLength: 40 }), (messages, cuts) => {
        const framed = messages.map(frameMessage);
        const body = Buffer.concat(framed);
        const edges = new Set([0, ...framed.map((_, i) => Buffer.concat(framed.slice(0, i + 1)).length)]);
        const edge = new MessageEdge();
        let at = 0;
        for (const cut of [...cuts, body.length]) {
          edge.push(body.subarray(at, at + cut));
          at = Math.min(body.length, at + cut);
          expect(edge.isWhole).to.equal(edges.has(at));
        }
      }),
    );
  });
});

describe("MessageReader", () => {
  it("gives the messages of a body, wherever its pieces are cut", () => {
    const message = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 6 }), fc.array(fc.nat(12), { maxLength: 60 }), (messages, cuts) => {
        let body = Buffer.concat(messages.map(frameMessage));
        const reader = new MessageReader();
        const got: Buffer[] = [];
        for (const cut of cuts) {
          got.push(...reader.push(body.subarray(0, cut)));
          body = body.subarray(cut);
        }
        got.push(...reader.push(body));
        expect(got.map((buffer) => buffer.toString("hex"))).to.deep.equal(
          messages.map((bytes) => Buffer.from(bytes).toString("hex")),
        );
        expect(reader.takeRest()).to.have.length(0);
      }),
    );
  });

  it("keeps what cannot be read as it came", () => {
    const compressed = Buffer.from([1, 0, 0, 0, 1, 7]);
    const tooLong = Buffer.alloc(5);
    tooLong.writeUInt32BE(MESSAGE_MAX_BYTES + 1, 1);
    for (const body of [compressed, tooLong]) {
      const reader = new MessageReader();
      expect(reader.push(body)).to.deep.equal([]);
      expect(reader.isLegible).to.equal(false);
      expect(reader.takeRest()).to.deep.equal(body);
    }
  });

  it("gives a rest that is cut off", () => {
    const reader = new MessageReader();
    expect(reader.push(Buffer.concat([frameMessage(Buffer.from("whole")), Buffer.from([0, 0])]))).to.have.length(1);
    expect(reader.takeRest()).to.deep.equal(Buffer.from([0, 0]));
  });
});
