/** Who has the token of the page, and how browsers come by it. */
import { readFile, stat, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { cookieFor, hasToken, keepPageToken, pageTokenFile } from "./page-token.js";

const TOKEN = "A".repeat(42) + "B";

describe("keepPageToken", () => {
  let dir = "";

  beforeEach(async () => {
    dir = await makeTempDir("token");
  });

  afterEach(async () => {
    await removeDir(dir);
  });

  it("makes one that only this user reads, and gives the same again", async () => {
    const token = await keepPageToken(dir);
    expect(token).to.match(/^[\w-]{43}$/);
    expect((await stat(pageTokenFile(dir))).mode & 0o777).to.equal(0o600);
    expect(await keepPageToken(dir)).to.equal(token);
  });

  it("replaces what cannot be one", async () => {
    await writeFile(pageTokenFile(dir), "short");
    const token = await keepPageToken(dir);
    expect((await readFile(pageTokenFile(dir), "utf8")).trim())
      .to.equal(token)
      .and.not.equal("short");
  });
});

describe("hasToken", () => {
  const host = "127.0.0.1:8373";

  it("takes it as bearer, and from the cookie of this port", () => {
    expect(hasToken({ host, authorization: `Bearer ${TOKEN}` }, TOKEN)).to.equal(true);
    expect(hasToken({ host, cookie: `other=1; memobuild-8373=${TOKEN}` }, TOKEN)).to.equal(true);
  });

  it("takes nothing else", () => {
    for (const headers of [
      { host },
      { host, authorization: `Bearer ${TOKEN}x` },
      { host, authorization: TOKEN },
      { host, cookie: `memobuild-8374=${TOKEN}` },
      { host, cookie: "memobuild-8373=" },
      { host, cookie: `memobuild-8373=${"B".repeat(43)}` },
    ]) {
      expect(hasToken(headers, TOKEN), JSON.stringify(headers)).to.equal(false);
    }
  });
});

describe("cookieFor", () => {
  it("is what `hasToken` takes, for the page alone and for no script", () => {
    const cookie = cookieFor(`/?token=${TOKEN}`, { host: "localhost:8373" }, TOKEN) ?? "";
    expect(cookie).to.include("HttpOnly").and.include("SameSite=Strict");
    expect(hasToken({ host: "localhost:8373", cookie: cookie.split(";", 1)[0] ?? "" }, TOKEN)).to.equal(true);
  });

  it("is none for another token, or none", () => {
    for (const url of ["/", "/?token=", "/?token=x", `/?token=${"B".repeat(43)}`]) {
      expect(cookieFor(url, { host: "localhost:8373" }, TOKEN), url).to.equal(undefined);
    }
  });
});
