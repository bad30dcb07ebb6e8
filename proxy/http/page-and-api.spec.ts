/** The page and the API on the HTTP listener: who gets them, and when. */
import { writeFile } from "node:fs/promises";
import { expect } from "chai";
import { Registry } from "prom-client";
import { createLogger } from "../log/create-logger.js";
import { type ApiRequest, answerTo, refusalOf, responseTo } from "../test/support/api-request.js";
import { type CacheApi, SAMPLE_STATUS, startCacheApi } from "../test/support/cache-api.js";
import { within } from "../test/support/poll.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { createHttpServer, type HttpServer, type HttpServerBound } from "./create-http-server.js";

const TOKEN = "t".repeat(43);
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const STATUS = { path: "/api/v1/status", headers: AUTHORIZED };
const JSON_TYPE = { "content-type": "application/json" };

describe("createHttpServer, page and API", () => {
  const lines: string[] = [];
  const log = createLogger({ level: "trace", format: "json", stream: { write: (line) => lines.push(line) } });
  let api: CacheApi;
  let pageFolder: string;
  let server: HttpServer;
  let bound: HttpServerBound;
  let target: { host: string; port: number };

  const start = async (host: string, allowsOthers: boolean): Promise<void> => {
    const readiness = () => Promise.resolve({ ready: true, builders: [] });
    const address = { host, port: 0 };
    server = createHttpServer({
      ...{ address, allowsOthers, token: TOKEN, registry: new Registry(), log, readiness, pageFolder },
    });
    bound = await server.start();
    target = { host: "127.0.0.1", port: Number(new URL(bound.address).port) };
  };
  const statusOf = async (request: ApiRequest): Promise<number> => (await answerTo(target, request)).status;

  beforeEach(async () => {
    lines.splice(0);
    pageFolder = await makeTempDir("page");
    await writeFile(`${pageFolder}/index.html`, "the page");
    api = await startCacheApi(undefined);
  });
  afterEach(async () => {
    await server.close();
    await api.close();
    await removeDir(pageFolder);
  });

  it("serves both on a loopback address", async () => {
    await start("127.0.0.1", false);
    server.serveApi(api.answer);
    expect(bound.page).to.equal(bound.address);
    expect(await answerTo(target, { path: "/" })).to.include({ status: 200, body: "the page" });
    expect(await answerTo(target, { method: "HEAD", path: "/" })).to.include({ status: 200, body: "" });
    expect(JSON.parse((await answerTo(target, STATUS)).body)).to.deep.equal(SAMPLE_STATUS);
    expect(await refusalOf(target, { ...STATUS, path: "/api/v1/nope" })).to.equal(
      "404 not_found: there is no GET /api/v1/nope",
    );
  });

  it("asks to come again before the API is there, and when it has ended", async () => {
    await start("127.0.0.1", false);
    expect(await refusalOf(target, STATUS)).to.match(/^503 unavailable: MemoBuild is starting/);
    expect(await statusOf({ path: "/" })).to.equal(200);
    server.serveApi(api.answer);
    expect(await statusOf(STATUS)).to.equal(200);
    await api.close();
    expect(await refusalOf(target, STATUS)).to.equal("503 unavailable: MemoBuild is stopping");
  });

  it("refuses names and pages of others, on the page and on the API", async () => {
    await start("127.0.0.1", false);
    server.serveApi(api.answer);
    const { host, port } = target;
    const rebound = { host: `evil.example:${port}`, origin: `http://evil.example:${port}` };
    for (const headers of [rebound, { host: rebound.host }, { origin: "http://evil.example" }, { origin: "null" }]) {
      for (const path of ["/", STATUS.path]) {
        expect(await refusalOf(target, { path, headers }), path).to.match(/^403 forbidden: /);
      }
    }
    expect(await statusOf({ ...STATUS, headers: { ...AUTHORIZED, origin: `http://${host}:${port}` } })).to.equal(200);
  });

  it("answers the API to nobody without the token, and hands a browser the cookie for it", async () => {
    await start("127.0.0.1", false);
    server.serveApi(api.answer);
    expect(await refusalOf(target, { path: STATUS.path })).to.match(/^401 unauthorized: .*memobuild status/);
    const refused = await answerTo(target, { path: "/?token=wrong" });
    expect([refused.status, refused.headers["set-cookie"]]).to.deep.equal([303, undefined]);
    const host = `127.0.0.1:${target.port}`;
    const opened = await answerTo(target, { path: `/?token=${TOKEN}`, headers: { host } });
    expect([opened.status, opened.headers.location]).to.deep.equal([303, "/"]);
    const [cookie = ""] = opened.headers["set-cookie"] ?? [];
    expect(await statusOf({ path: STATUS.path, headers: { host, cookie: cookie.split(";", 1)[0] ?? "" } })).to.equal(
      200,
    );
    expect(lines.join("")).not.to.include(TOKEN);
  });

  it("takes only JSON from posts and deletions", async () => {
    await start("127.0.0.1", false);
    server.serveApi(api.answer);
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
      for (const method of ["POST", "DELETE"]) {
        const path = "/api/v1/builders/x/drain";
        const request = {
          method,
          path,
          headers: { ...AUTHORIZED, "content-type": type, "content-length": "2" },
          body: "{}",
        };
        expect(await statusOf(request), `${method} ${type}`).to.equal(415);
      }
    }
    const asked = { method: "POST", path: "/api/v1/cache/prune", headers: { ...AUTHORIZED, ...JSON_TYPE }, body: "{}" };
    expect(await refusalOf(target, asked)).to.match(/^409 cache_off: /);
  });

  it("serves neither where other machines reach it, says so, and serves the rest", async () => {
    await start("0.0.0.0", false);
    server.serveApi(api.answer);
    expect(bound).not.to.have.property("page");
    const page = await answerTo(target, { path: "/" });
    expect(page.status).to.equal(403);
    expect(page.body).to.include("--insecure-http");
    expect(await refusalOf(target, STATUS)).to.match(/^403 forbidden: .*--insecure-http/);
    expect(await statusOf({ path: "/healthz", headers: { host: "builds.example" } })).to.equal(200);
    const { paths } = JSON.parse((await answerTo(target, { path: "/nope" })).body) as { paths: string[] };
    expect(paths).to.deep.equal(["/metrics", "/healthz", "/readyz"]);
    expect(lines.filter((line) => line.includes("web page not served"))).to.have.length(1);
  });

  it("serves both there when told to, but not to pages of others", async () => {
    await start("0.0.0.0", true);
    server.serveApi(api.answer);
    expect(bound.page).to.equal(bound.address);
    const host = `builds.example:${target.port}`;
    for (const path of ["/", STATUS.path]) {
      const headers = { ...AUTHORIZED, host };
      expect(await statusOf({ path, headers })).to.equal(200);
      expect(await statusOf({ path, headers: { ...headers, origin: `http://${host}` } })).to.equal(200);
      expect(await statusOf({ path, headers: { ...headers, origin: `https://${host}` } })).to.equal(200);
      expect(await statusOf({ path, headers: { ...headers, origin: "http://evil.example" } })).to.equal(403);
    }
    expect(lines).to.be.empty;
  });

  it("ends streams of events when the API closes, before the listener does", async () => {
    await start("127.0.0.1", false);
    server.serveApi(api.answer);
    const stream = await responseTo(target, { path: "/api/v1/events", headers: AUTHORIZED });
    expect(stream.headers["content-type"]).to.equal("text/event-stream; charset=utf-8");
    const ended = new Promise((resolve) => stream.once("close", resolve));
    stream.on("error", () => undefined).resume();
    await within(api.close(), 1000, "the API closes");
    await within(ended, 1000, "the stream ends");
    expect(await statusOf({ path: "/healthz" })).to.equal(200);
  });
});
