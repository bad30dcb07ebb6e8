/** What is read from a Control.Solve before its build has a builder. */
import { expect } from "chai";
import { loadBuildMessages, type BuildMessages, type SolveRequest } from "../buildkit/build-messages.js";
import type { SolveFacts } from "../relay/solve-facts.js";
import { readSolveWith } from "./read-solve.js";

describe("readSolveWith", () => {
  let messages: BuildMessages;

  before(async () => {
    messages = await loadBuildMessages();
  });

  const read = (request: Partial<SolveRequest>): SolveFacts =>
    readSolveWith(messages)(Buffer.from(messages.solveRequest.encode(request)));

  it("names the build and each of its sessions once", () => {
    const frontendAttrs = { "local-sessionid:context": "shared", "local-sessionid:dockerfile": "own", other: "x" };
    const facts = read({ ref: "r", session: "own", sourcePolicySession: "policy", frontendAttrs });
    expect([facts.ref, facts.session, facts.isInternal]).to.deep.equal(["r", "own", false]);
    expect(facts.sessions).to.deep.equal(["own", "policy", "shared"]);
  });

  it("tells questions from builds", () => {
    const facts = read({ ref: "r", internal: true });
    expect([facts.isInternal, facts.session, facts.sessions]).to.deep.equal([true, "", []]);
  });

  for (const [platform, platforms] of [
    [undefined, []],
    ["", []],
    ["linux/arm64", ["linux/arm64"]],
    ["linux/amd64,linux/arm/v7", ["linux/amd64", "linux/arm/v7"]],
  ] as const) {
    it(`reads the platforms of ${platform === undefined ? "none" : `"${platform}"`}`, () => {
      expect(read({ ref: "r", frontendAttrs: platform === undefined ? {} : { platform } }).platforms).to.deep.equal(
        platforms,
      );
    });
  }

  it("knows the project from the repository, or needs what the session tells", () => {
    const ofRepository = read({ ref: "r", frontendAttrs: { "vcs:source": "https://host/team/app.git", target: "t" } });
    expect(ofRepository.needsSharedKey).to.equal(false);
    expect(ofRepository.identify("folder:1").project).to.equal("host/team/app");
    const ofFolder = read({ ref: "r" });
    expect(ofFolder.needsSharedKey).to.equal(true);
    expect([ofFolder.identify("folder:1").project, ofFolder.identify("").project]).to.deep.equal(["folder", ""]);
  });

  it("has one scope for each Dockerfile and target of a project", () => {
    const scopes = [
      {},
      { filename: "Dockerfile" },
      { target: "a" },
      { filename: "a" },
      { platform: "linux/arm64" },
    ].map((frontendAttrs: Record<string, string>) => read({ ref: "r", frontendAttrs }).identify("").scope);
    expect(scopes.map((scope) => scopes.indexOf(scope))).to.deep.equal([0, 0, 2, 3, 0]);
  });

  it("fails on what is no Solve", () => {
    expect(() => readSolveWith(messages)(Buffer.from([0xff, 0xff, 0xff]))).to.throw(Error);
  });
});
