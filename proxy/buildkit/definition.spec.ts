import { createHash } from "node:crypto";
import { expect } from "chai";
import protobuf from "protobufjs";
import { loadDefinitionReader } from "./definition.js";
import type { Definition, ReadDefinition } from "./definition.js";

type Bytes = Uint8Array;
const { Writer } = protobuf;
const digestOf = (op: Bytes): string => `sha256:${createHash("sha256").update(op).digest("hex")}`;

/** `local://context`, as the Dockerfile frontend makes it. */
function localSource(session: string, follow = "a.txt"): Bytes {
  const attr = (key: string, value: string): Bytes =>
    Writer.create().uint32(10).string(key).uint32(18).string(value).finish();
  const source = Writer.create().uint32(10).string("local://context");
  for (const [key, value] of [
    ["local.session", session],
    ["local.followpaths", follow],
  ] as const) {
    source.uint32(18).bytes(attr(key, value));
  }
  return Writer.create().uint32(26).bytes(source.finish()).finish();
}

function input(op: Bytes): Bytes {
  return Writer.create().uint32(10).string(digestOf(op)).finish();
}

/** An ExecOp on `below`; its content does not matter here. */
const exec = (below: Bytes, command: string): Bytes =>
  Writer.create().uint32(10).bytes(input(below)).uint32(18).bytes(Buffer.from(command)).finish();
const terminal = (below: Bytes): Bytes => Writer.create().uint32(10).bytes(input(below)).finish();

function definition(session: string, command: string, follow?: string): Buffer {
  const source = localSource(session, follow);
  const step = exec(source, command);
  const ops = [source, step, terminal(step)];
  return Buffer.from(ops.reduce((writer, op) => writer.uint32(10).bytes(op), Writer.create()).finish());
}

describe("loadDefinitionReader", () => {
  let read: ReadDefinition;
  const stable = (...args: Parameters<typeof definition>): Definition["stableDigest"] =>
    read(definition(...args)).stableDigest;
  before(async () => {
    read = await loadDefinitionReader();
  });

  it("tells vertexes by the digests that BuildKit gives them, and steps from sources", () => {
    const source = localSource("s1");
    const step = exec(source, "\x0a\x02hi");
    expect(read(definition("s1", "\x0a\x02hi"))).to.deep.include({
      vertexes: [digestOf(source), digestOf(step)],
      steps: [digestOf(step)],
    });
  });

  it("tells builds apart by what they do, not by the session of their files", () => {
    expect(stable("s1", "\x0a\x02hi")).to.equal(stable("s2", "\x0a\x02hi"));
    expect(stable("s1", "\x0a\x02hi")).not.to.equal(stable("s1", "\x0a\x02ho"));
    expect(stable("s1", "\x0a\x02hi")).not.to.equal(stable("s1", "\x0a\x02hi", "b.txt"));
  });

  it("refuses bytes that are no definition", () => {
    expect(() => read(Buffer.from([0xff, 0xff]))).to.throw();
  });
});
