/** host:port: what is read, what is refused, and which hosts are loopback. */
import { expect } from "chai";
import fc from "fast-check";
import { formatHostPort, isLoopback, parseHostPort } from "./host-port.js";

describe("parseHostPort", () => {
  const cases = {
    "127.0.0.1:8372": { host: "127.0.0.1", port: 8372 },
    "[::1]:0": { host: "::1", port: 0 },
    "builder-1.example:1234": { host: "builder-1.example", port: 1234 },
    "localhost:65535": { host: "localhost", port: 65_535 },
  };
  for (const [text, parsed] of Object.entries(cases)) {
    it(`reads ${text}, and writes it the same`, () => {
      expect(parseHostPort(text, 0)).to.deep.equal(parsed);
      expect(formatHostPort(parsed)).to.equal(text);
    });
  }

  const refused = {
    "": "not host:port",
    localhost: "not host:port",
    "localhost:": "not host:port",
    "::1:8372": "not host:port",
    "host:1:2": "not host:port",
    ":8372": "no host",
    "300.1.1.1:1": "neither a host name nor an IP address",
    "-a:1": "neither a host name nor an IP address",
    "user@host:1": "neither a host name nor an IP address",
    "[127.0.0.1]:1": "neither a host name nor an IP address",
    "host:65536": "outside 1 to 65535",
    "host:0": "outside 1 to 65535",
  };
  for (const [text, problem] of Object.entries(refused)) {
    it(`refuses "${text}"`, () => {
      expect(parseHostPort(text, 1)).to.be.a("string").that.includes(problem);
    });
  }

  it("gives a result for any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseHostPort(text, 0);
        if (typeof parsed !== "string") expect(parseHostPort(formatHostPort(parsed), 0)).to.deep.equal(parsed);
      }),
    );
  });
});

describe("isLoopback", () => {
  it("holds for the loopback range and localhost", () => {
    for (const host of ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]) {
      expect(isLoopback(host), host).to.equal(true);
    }
  });

  it("holds for nothing else", () => {
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example", "builder"]) {
      expect(isLoopback(host), host).to.equal(false);
    }
  });
});
