/** Promises of the capabilities that all builders share. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { sharedPong } from "./capabilities.js";
import { fieldsOf } from "./raw-message.js";

const FRONTEND = 1;
const LLB = 2;
const WORKERS = 3;

type Cap = readonly [list: number, id: string, enabled: boolean];

const pong = (...caps: readonly Cap[]): Buffer => {
  const writer = protobuf.Writer.create();
  for (const [list, id, isEnabled] of caps) {
    const cap = protobuf.Writer.create().uint32(10).string(id);
    if (isEnabled) cap.uint32(16).bool(true);
    else cap.uint32(34).string("reason");
    writer.uint32((list << 3) | 2).bytes(
      cap
        .uint32(999 << 3)
        .uint32(1)
        .finish(),
    );
  }
  return Buffer.from(
    writer
      .uint32((WORKERS << 3) | 2)
      .string("\n\x02w1")
      .uint32(998 << 3)
      .uint32(5)
      .finish(),
  );
};

const caps = (bytes: Buffer): string[] =>
  [...fieldsOf(bytes)].flatMap(({ number, content }) =>
    number < WORKERS && content !== undefined
      ? [`${number} ${String([...fieldsOf(content)].find((field) => field.number === 1)?.content)}`]
      : [],
  );

describe("sharedPong", () => {
  const one = pong([FRONTEND, "gateway.exec", true], [LLB, "a", true], [LLB, "b", true]);
  const other = pong([LLB, "b", true], [LLB, "gateway.exec", true], [LLB, "a", false]);

  it("takes away what not all have enabled, list by list", () => {
    expect(caps(sharedPong([one, other])(one))).to.deep.equal(["2 b"]);
    // What is disabled stays, with the reason.
    expect(caps(sharedPong([one, other])(other))).to.deep.equal(["2 b", "2 a"]);
  });

  it("leaves everything else as it was", () => {
    const kept = [...fieldsOf(sharedPong([one, other])(one))].map(({ number }) => number);
    expect(kept).to.deep.equal([LLB, WORKERS, 998]);
    const [cap] = fieldsOf(sharedPong([one, other])(one));
    const [, , same] = fieldsOf(one);
    expect(cap?.bytes.equals(same?.bytes ?? Buffer.alloc(0))).to.equal(true);
  });

  it("returns the same bytes where all can do the same, or there is nobody to compare with", () => {
    expect(sharedPong([one, Buffer.from(one)])(one)).to.equal(one);
    expect(sharedPong([])(one)).to.equal(one);
  });

  it("passes over answers that cannot be read", () => {
    const illegible = Buffer.from([0x0a, 0x7f]);
    expect(sharedPong([one, illegible])(one)).to.equal(one);
    expect(sharedPong([one, other])(illegible)).to.equal(illegible);
  });
});
