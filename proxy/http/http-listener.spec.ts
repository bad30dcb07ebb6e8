/** Where HTTP is listened for: sockets that were left behind, served or no sockets; TCP; who may connect. */
import { once } from "node:events";
import { mkdir, rename, stat } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { StartError } from "../config/start-error.js";
import { answerTo } from "../test/support/api-request.js";
import { startCacheApi } from "../test/support/cache-api.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { type HttpAddress, HttpListener } from "./http-listener.js";

const STALLED_MS = 100;
/** More than other listeners have. */
const IDLE_CONNECTIONS = 140;

describe("HttpListener", () => {
  const log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
  let dir: string;
  let path: string;
  const listeners: HttpListener[] = [];
  const create = (address: HttpAddress): HttpListener => {
    const option = "path" in address ? "api-socket" : "api-listen";
    const answer: RequestListener = (_request, response) => response.end("answer");
    const listener = new HttpListener({ address, option, answer, log });
    listeners.push(listener);
    return listener;
  };
  const failureOf = async (address: HttpAddress): Promise<StartError> => {
    const error = await create(address)
      .start()
      .catch((caught: unknown) => caught);
    if (!(error instanceof StartError)) throw new Error("it started", { cause: error });
    return error;
  };

  beforeEach(async () => {
    dir = await makeTempDir("api");
    path = `${dir}/api.sock`;
  });
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
    await removeDir(dir);
  });

  it("listens on a socket for this user alone, and removes it at the end", async () => {
    const listener = create({ path });
    expect(await listener.start()).to.equal(`unix://${path}`);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await answerTo({ socketPath: path }, { path: "/" })).to.include({ status: 200, body: "answer" });
    await listener.close();
    expect(await stat(path).catch((error: unknown) => error)).to.have.property("code", "ENOENT");
  });

  it("replaces a socket that was left behind", async () => {
    const killed = createServer().listen(`${dir}/elsewhere`);
    await once(killed, "listening");
    await rename(`${dir}/elsewhere`, path);
    await new Promise((resolve) => killed.close(resolve));
    expect((await stat(path)).isSocket()).to.equal(true);
    await create({ path }).start();
    expect((await answerTo({ socketPath: path }, { path: "/" })).body).to.equal("answer");
  });

  it("leaves alone a socket that is served", async () => {
    await create({ path }).start();
    const { option, message } = await failureOf({ path });
    expect({ option, message }).to.deep.equal({
      option: "api-socket",
      message: `cannot listen on ${path}: something else listens there already (EADDRINUSE)`,
    });
    expect((await answerTo({ socketPath: path }, { path: "/" })).body).to.equal("answer");
  });

  it("leaves alone what is no socket", async () => {
    await mkdir(path);
    expect(await failureOf({ path })).to.have.property("option", "api-socket");
    expect((await stat(path)).isDirectory()).to.equal(true);
  });

  it("makes no folder", async () => {
    expect(await failureOf({ path: `${dir}/none/api.sock` }))
      .to.have.property("message")
      .that.includes("folder does not exist");
  });

  it("listens on a port, and names the option where that is taken", async () => {
    const address = await create({ host: "127.0.0.1", port: 0 }).start();
    const port = Number(new URL(address).port);
    expect(address).to.equal(`http://127.0.0.1:${port}`);
    expect((await answerTo({ host: "127.0.0.1", port }, { path: "/" })).body).to.equal("answer");
    expect(await failureOf({ host: "127.0.0.1", port })).to.have.property("option", "api-listen");
  });

  it("asks on a port where a request comes from, on a socket not", async () => {
    const port = Number(new URL(await create({ host: "127.0.0.1", port: 0 }).start()).port);
    await create({ path }).start();
    for (const headers of [{ host: `evil.example:${port}` }, { origin: "http://evil.example" }]) {
      const refused = await answerTo({ host: "127.0.0.1", port }, { path: "/", headers });
      expect(refused.status).to.equal(403);
      expect(refused.body).to.include('"code":"forbidden"');
      expect((await answerTo({ socketPath: path }, { path: "/", headers })).status).to.equal(200);
    }
  });

  it("gives the socket the mode that it is told", async () => {
    await create({ path, mode: 0o666 }).start();
    expect((await stat(path)).mode & 0o777).to.equal(0o666);
  });

  it("cuts a request in which nothing happens, but none of the API", async () => {
    const api = await startCacheApi(undefined);
    const answer: RequestListener = (request, response) => {
      if (request.url?.startsWith("/api/") === true) api.answer(request, response);
    };
    const listener = new HttpListener({
      ...{ address: { host: "127.0.0.1", port: 0 }, option: "http", answer, log, stalledTimeoutMs: STALLED_MS },
    });
    listeners.push(listener);
    const target = { host: "127.0.0.1", port: Number(new URL(await listener.start()).port) };
    const cut = await answerTo(target, { path: "/silent" }).catch((error: unknown) => error);
    expect(cut).to.have.property("code", "ECONNRESET");
    const path = `/api/v1/events/poll?wait=${4 * STALLED_MS}`;
    expect(await answerTo(target, { path })).to.have.property("status", 200);
    await api.close();
  });

  it("answers on the port of health beside many that are connected and ask nothing", async () => {
    const listener = new HttpListener({
      ...{ address: { host: "127.0.0.1", port: 0 }, option: "http", log },
      answer: (_request, response) => response.end("answer"),
    });
    listeners.push(listener);
    const target = { host: "127.0.0.1", port: Number(new URL(await listener.start()).port) };
    const idle = Array.from({ length: IDLE_CONNECTIONS }, () => connect(target));
    try {
      await Promise.all(idle.map((socket) => once(socket, "connect")));
      expect((await answerTo(target, { path: "/healthz" })).body).to.equal("answer");
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });

  it("cuts a connection that asks nothing, and says why", async () => {
    const listener = new HttpListener({
      ...{ address: { host: "127.0.0.1", port: 0 }, option: "http", log, headersTimeoutMs: STALLED_MS },
      answer: (_request, response) => response.end("answer"),
    });
    listeners.push(listener);
    const socket = connect({ host: "127.0.0.1", port: Number(new URL(await listener.start()).port) });
    expect(await text(socket)).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it("closes twice, and without a start", async () => {
    const listener = create({ path });
    await listener.close();
    await listener.close();
  });
});
