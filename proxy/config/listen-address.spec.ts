/** Listen addresses: both kinds, and the limits of each. */
import { expect } from "chai";
import { formatListenAddress, listenAddress } from "./listen-address.js";
import { UNIX_PATH_MAX_BYTES } from "./unix-path.js";

const problemOf = (text: string): string | undefined => listenAddress.safeParse(text).error?.issues[0]?.message;

describe("listenAddress", () => {
  for (const text of [
    "unix:///run/memobuild.sock",
    "tcp://127.0.0.1:8372",
    "tcp://[::]:0",
    "unix:///with space/ü.sock",
  ]) {
    it(`reads ${text}, and formatListenAddress writes it the same`, () => {
      expect(formatListenAddress(listenAddress.parse(text))).to.equal(text);
    });
  }

  it("tells the kinds apart", () => {
    expect(listenAddress.parse("unix:///a")).to.deep.equal({ kind: "unix", path: "/a" });
    expect(listenAddress.parse("tcp://[::1]:1")).to.deep.equal({ kind: "tcp", host: "::1", port: 1 });
  });

  const refused = {
    "127.0.0.1:8372": "neither unix:///path nor tcp://host:port",
    "http://127.0.0.1:80": "neither unix:///path nor tcp://host:port",
    "unix://run/memobuild.sock": "not an absolute path",
    "unix://": "not an absolute path",
    "unix:///a\0b": "not an absolute path",
    "tcp://127.0.0.1": "not host:port",
    "tcp://127.0.0.1:1/path": "not host:port",
  };
  for (const [text, problem] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(problemOf(text)).to.include(problem);
    });
  }

  it("counts the bytes, not the letters, of a socket path", () => {
    const longest = `/${"ü".repeat((UNIX_PATH_MAX_BYTES - 1) / 2)}`;
    expect(problemOf(`unix://${longest}`)).to.equal(undefined);
    expect(problemOf(`unix://${longest}x`)).to.include("has 108 bytes, the system allows 107");
  });
});
