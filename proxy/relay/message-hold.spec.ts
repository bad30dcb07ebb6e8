/** What is held of a body, and what is read of it, in whatever pieces it comes. */
import { expect } from "chai";
import fc from "fast-check";
import { frameMessage } from "../grpc/message.js";
import { MessageHold, ResponseWatch } from "./message-hold.js";

const messages = fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 4 });
/** Where the body is cut into pieces. */
const cuts = fc.array(fc.nat(100), { maxLength: 6 });

function inPieces(body: Buffer, at: readonly number[]): readonly Buffer[] {
  const ends = [...at.map((cut) => Math.min(cut, body.length)), body.length].sort((a, b) => a - b);
  return ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
}
const bodyOf = (all: readonly Uint8Array[]): Buffer => Buffer.concat(all.map(frameMessage));

describe("MessageHold", () => {
  it("gives the first message once, and keeps all that follows as it came", () => {
    fc.assert(
      fc.property(messages, cuts, fc.nat(8), (all, at, missingBytes) => {
        const [first = new Uint8Array(), ...later] = all;
        const rest = bodyOf(later);
        const cutRest = rest.subarray(0, Math.max(0, rest.length - missingBytes));
        const hold = new MessageHold();
        const given = inPieces(Buffer.concat([frameMessage(first), cutRest]), at).map((piece) => hold.push(piece));
        expect(given.filter((each) => each !== "more")).to.deep.equal([Buffer.from(first)]);
        expect(hold.isWhole).to.equal(true);
        expect(hold.takeRest().equals(cutRest)).to.equal(true);
      }),
    );
  });

  it("gives back all of a body whose first message never comes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 20 }),
        cuts,
        fc.integer({ min: 1, max: 5 }),
        (one, at, cut) => {
          const body = frameMessage(one).subarray(0, -Math.min(cut, one.length));
          const hold = new MessageHold();
          for (const piece of inPieces(body, at)) expect(hold.push(piece)).to.equal("more");
          expect(hold.isWhole).to.equal(false);
          expect(hold.takeRest().equals(body)).to.equal(true);
        },
      ),
    );
  });
});

describe("ResponseWatch", () => {
  it("shows every message of a body", () => {
    fc.assert(
      fc.property(messages, cuts, (all, at) => {
        const seen: (Buffer | undefined)[] = [];
        const watch = new ResponseWatch((message) => seen.push(message));
        for (const piece of inPieces(bodyOf(all), at)) watch.push(piece);
        expect(seen).to.deep.equal(all.map((each) => Buffer.from(each)));
      }),
    );
  });

  it("tells once where a message cannot be read, and shows none after it", () => {
    fc.assert(
      fc.property(messages, messages, cuts, (before, after, at) => {
        const seen: (Buffer | undefined)[] = [];
        const watch = new ResponseWatch((message) => seen.push(message));
        const illegible = frameMessage(Buffer.from("compressed"));
        illegible[0] = 1;
        for (const piece of inPieces(Buffer.concat([bodyOf(before), illegible, bodyOf(after)]), at)) watch.push(piece);
        expect(seen).to.deep.equal([...before.map((each) => Buffer.from(each)), undefined]);
      }),
    );
  });
});
