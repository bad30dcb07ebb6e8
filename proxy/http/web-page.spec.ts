/** The page as it is served, and as it is asked for: types, caching, what a browser is told to keep from it. */
import { mkdir, writeFile } from "node:fs/promises";
import { fastify, type FastifyInstance } from "fastify";
import { expect } from "chai";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { addWebPage, readWebPage } from "./web-page.js";

const INDEX = "<!doctype html><title>MemoBuild</title>";

describe("addWebPage", () => {
  let folder: string;
  let server: FastifyInstance;

  beforeEach(async () => {
    folder = await makeTempDir("page");
    await mkdir(`${folder}/assets`);
    await writeFile(`${folder}/index.html`, INDEX);
    await writeFile(`${folder}/assets/index-Bx12.js`, "export {};");
    await writeFile(`${folder}/icon.svg`, "<svg/>");
    server = fastify();
    addWebPage(server, await readWebPage(folder));
  });
  afterEach(async () => {
    await server.close();
    await removeDir(folder);
  });

  it("serves index.html as the start page, asked for anew each time", async () => {
    const { body, headers, statusCode } = await server.inject("/");
    expect({ body, statusCode }).to.deep.equal({ body: INDEX, statusCode: 200 });
    expect(headers).to.include({ "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" });
  });

  it("lets what has a hash in its name be kept for good, and nothing else", async () => {
    const script = await server.inject("/assets/index-Bx12.js");
    expect(script.body).to.equal("export {};");
    expect(script.headers).to.include({
      "content-type": "text/javascript; charset=utf-8",
      "cache-control": "public, max-age=31536000, immutable",
    });
    const icon = await server.inject("/icon.svg");
    expect(icon.headers).to.include({ "content-type": "image/svg+xml", "cache-control": "no-cache" });
  });

  it("allows scripts and data from here alone, and no page around it", async () => {
    for (const path of ["/", "/assets/index-Bx12.js"]) {
      const { headers } = await server.inject(path);
      expect(headers["content-security-policy"])
        .to.match(/^default-src 'none'; script-src 'self'; /)
        .and.include("connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
      expect(headers).to.include({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
      });
    }
  });

  it("sends nothing to who has it, and all when it has changed", async () => {
    const { headers } = await server.inject("/");
    const etag = String(headers.etag);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await server.inject({ url: "/", headers: { "if-none-match": known } });
      expect({ status: again.statusCode, body: again.body }).to.deep.equal({ status: 304, body: "" });
      expect(again.headers).to.include({ etag, "cache-control": "no-cache" });
    }
    await writeFile(`${folder}/index.html`, `${INDEX}changed`);
    const changed = fastify();
    addWebPage(changed, await readWebPage(folder));
    const answer = await changed.inject({ url: "/", headers: { "if-none-match": etag } });
    expect(answer.statusCode).to.equal(200);
    expect(answer.headers.etag).not.to.equal(etag);
    await changed.close();
  });

  it("answers HEAD with the headers alone", async () => {
    const { body, headers, statusCode } = await server.inject({ method: "HEAD", url: "/" });
    expect({ body, statusCode }).to.deep.equal({ body: "", statusCode: 200 });
    expect(headers).to.include({ "content-length": String(INDEX.length) });
  });

  it("serves no other file, however it is asked for", async () => {
    await writeFile(`${folder}/../${folder.split("/").at(-1) ?? ""}.txt`, "outside");
    const outside = `${folder.split("/").at(-1) ?? ""}.txt`;
    for (const path of [`/../${outside}`, `/..%2f${outside}`, `/assets/..%2f..%2f${outside}`, "/assets", "/assets/"]) {
      expect((await server.inject(path)).statusCode, path).to.equal(404);
    }
    await removeDir(`${folder}.txt`);
  });

  it("finds nothing where nothing was built", async () => {
    expect(await readWebPage(`${folder}/none`)).to.be.empty;
  });
});
