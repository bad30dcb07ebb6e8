import { expect } from "chai";
import { identifyBuild, normalizeRemote, projectOf } from "./build-identity.js";

describe("normalizeRemote", () => {
  it("is equal for all ways to one repository", () => {
    const ways = [
      "git@git.example.com:team/app.git",
      "https://git.example.com/team/app",
      "https://git.example.com/team/app.git/",
      "https://user:secret@Git.Example.com:8443/team/app.git",
      "ssh://git@git.example.com:2222/team/app.git",
      "git://git.example.com/team/app",
      "git.example.com:team/app.git",
    ];
    for (const way of ways) expect(normalizeRemote(way), way).to.equal("git.example.com/team/app");
  });

  it("tells repositories apart, and keeps a local one's path", () => {
    expect(normalizeRemote("https://git.example.com/team/app2")).to.equal("git.example.com/team/app2");
    expect(normalizeRemote("/srv/git/app.git")).to.equal("srv/git/app");
  });
});

describe("projectOf", () => {
  const project = (options: Record<string, string>, sharedKey = ""): string => projectOf({ options, sharedKey });

  it("is the repository and the folder in it", () => {
    const source = { "vcs:source": "git@git.example.com:team/app.git" };
    expect(project(source)).to.equal("git.example.com/team/app");
    expect(project({ ...source, "vcs:localdir:context": "." })).to.equal("git.example.com/team/app");
    expect(project({ ...source, "vcs:localdir:context": "services/api" })).to.equal(
      "git.example.com/team/app//services/api",
    );
  });

  it("is the git or HTTP context, without credentials, query and branch", () => {
    expect(project({ context: "https://token@git.example.com/team/app.git#main:sub" })).to.equal(
      "git.example.com/team/app//sub",
    );
    expect(project({ context: "https://files.example.com/context.tar?signature=secret" })).to.equal(
      "files.example.com/context.tar",
    );
    expect(project({ context: "git@git.example.com:team/app.git" })).to.equal("git.example.com/team/app");
  });

  it("is the name of the context's folder, whatever the machine", () => {
    expect(project({}, "shop:0123456789abcdef")).to.equal("shop");
    expect(project({ context: "http://buildkit-session/abc" }, "shop:ff")).to.equal("shop");
    expect(project({})).to.equal("");
  });
});

describe("identifyBuild", () => {
  it("tells Dockerfile, target and platform, and nothing of build arguments", () => {
    const options = {
      filename: "deploy.Dockerfile",
      target: "app",
      platform: "linux/arm64",
      "build-arg:TOKEN": "secret",
    };
    expect(identifyBuild({ options, sharedKey: "shop:1" })).to.deep.equal({
      tenant: "default",
      project: "shop",
      dockerfile: "deploy.Dockerfile",
      target: "app",
      platform: "linux/arm64",
    });
  });

  it("cuts off what is too long to keep", () => {
    const { target } = identifyBuild({ options: { target: "x".repeat(10_000) }, sharedKey: "" });
    expect(target).to.have.length(512);
  });
});
