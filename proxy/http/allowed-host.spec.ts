/** Host headers: a loopback listener answers to loopback names, another to all. */
import { expect } from "chai";
import { isAllowedHost } from "./allowed-host.js";

describe("isAllowedHost", () => {
  it("allows loopback names and the configured host, with and without port", () => {
    for (const header of ["localhost", "LOCALHOST:8373", "127.0.0.1:1", "[::1]", "[::1]:8373", "127.0.0.2:8373"]) {
      expect(isAllowedHost(header, "127.0.0.2"), header).to.equal(true);
    }
  });

  it("refuses every other name on a loopback listener", () => {
    for (const header of [
      undefined,
      "",
      "evil.example",
      "localhost.evil.example:8373",
      "127.0.0.1.evil.example",
      "::1",
    ]) {
      expect(isAllowedHost(header, "127.0.0.1"), header).to.equal(false);
    }
  });

  it("allows any name where other machines connect", () => {
    expect(isAllowedHost("build.example", "0.0.0.0")).to.equal(true);
    expect(isAllowedHost(undefined, "::")).to.equal(true);
  });
});
