/** The default data directory, and the socket in one. */
import { expect } from "chai";
import { apiSocketPath, defaultDataDir } from "./data-dir.js";

describe("defaultDataDir", () => {
  it("is where XDG_STATE_HOME says, else below HOME, and takes neither when it is relative", () => {
    expect(defaultDataDir({ XDG_STATE_HOME: "/state", HOME: "/home/dev" })).to.equal("/state/memobuild");
    expect(defaultDataDir({ XDG_STATE_HOME: "state", HOME: "/home/dev" })).to.equal("/home/dev/.local/state/memobuild");
    expect(defaultDataDir({ HOME: "dev" })).to.equal(undefined);
    expect(defaultDataDir({})).to.equal(undefined);
  });
});

describe("apiSocketPath", () => {
  it("is a socket in the directory", () => {
    expect(apiSocketPath("/data")).to.equal("/data/api.sock");
  });
});
