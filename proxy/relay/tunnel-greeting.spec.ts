/** Promises of what a client's session is told before a builder comes to it. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { fieldsOf } from "../buildkit/raw-message.js";
import { CONNECTION_PREFACE } from "../grpc/http2/frame.js";
import { tunnelGreeting, withoutPreface } from "./tunnel-greeting.js";

const message = (data: Buffer): Buffer => Buffer.from(protobuf.Writer.create().uint32(10).bytes(data).finish());
const dataOf = (bytes: Buffer | undefined): Buffer | undefined =>
  bytes === undefined ? undefined : [...fieldsOf(bytes)][0]?.content;
const PREFACE = Buffer.from(CONNECTION_PREFACE);

describe("tunnelGreeting", () => {
  it("is HTTP/2's preface and SETTINGS without a setting", () => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    expect(dataOf(tunnelGreeting())).to.deep.equal(Buffer.concat([PREFACE, settings]));
  });
});

describe("withoutPreface", () => {
  it("leaves out a message that is only the preface", () => {
    expect(withoutPreface(message(PREFACE))).to.equal(undefined);
  });

  it("keeps what follows it in the same message", () => {
    const rest = Buffer.from("frames");
    expect(dataOf(withoutPreface(message(Buffer.concat([PREFACE, rest]))))).to.deep.equal(rest);
  });

  it("leaves another message as it is", () => {
    const other = message(Buffer.from("no preface, and yet longer than one"));
    expect(withoutPreface(other)).to.equal(other);
  });
});
