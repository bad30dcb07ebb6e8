/** Promises of reading what a request is about. */
import { expect } from "chai";
import { CONTENT, CONTROL } from "./methods.js";
import { contentInfoRequest, digestOf, refOf } from "./request-subject.js";

describe("refOf", () => {
  it("reads the ref where the call's request has it", () => {
    expect(refOf(CONTROL.status, Buffer.from("\n\x02r1"))).to.equal("r1");
    expect(refOf(CONTROL.updateBuildHistory, Buffer.from("\n\x02r1\x18\x01"))).to.equal("r1");
    expect(refOf(CONTROL.listenBuildHistory, Buffer.from("\x08\x01\x12\x02r1"))).to.equal("r1");
  });

  it("is undefined where there is none, or where it cannot be read", () => {
    expect(refOf(CONTROL.listenBuildHistory, Buffer.from("\x08\x01"))).to.equal(undefined);
    expect(refOf(CONTROL.status, Buffer.from("\n\x00"))).to.equal(undefined);
    expect(refOf(CONTROL.status, Buffer.from("\n\x7fr1"))).to.equal(undefined);
    expect(refOf(CONTROL.solve, Buffer.from("\n\x02r1"))).to.equal(undefined);
  });

  it("takes the last where it is there twice, as the daemon does", () => {
    expect(refOf(CONTROL.status, Buffer.from("\n\x02r1\n\x02r2"))).to.equal("r2");
  });
});

describe("digestOf", () => {
  it("reads the digest of what is asked of the content store", () => {
    const request = Buffer.from(contentInfoRequest("sha256:a"));
    for (const path of [CONTENT.info, CONTENT.read, CONTENT.delete]) {
      expect(digestOf(path, request)).to.equal("sha256:a");
    }
    expect(digestOf(CONTENT.list, request)).to.equal(undefined);
    expect(digestOf(CONTENT.read, Buffer.from([0x10, 1]))).to.equal(undefined);
  });
});
