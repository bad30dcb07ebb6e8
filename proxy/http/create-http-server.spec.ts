/** The HTTP listener over real sockets: its answers, its refusals, its start and its end. */
import { EventEmitter, once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { Counter, Registry } from "prom-client";
import type { HostPort } from "../config/host-port.js";
import { StartError } from "../config/start-error.js";
import { createLogger } from "../log/create-logger.js";
import { createHttpServer, type HttpServer, type HttpServerDeps, type Readiness } from "./create-http-server.js";

const builders: Readiness["builders"] = [{ address: "tcp://b:1", up: false, cause: "ECONNREFUSED" }];

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

const NOT_BUILT = "/nonexistent";

/** node:http rather than fetch, which does not let a caller set Host. */
async function get(url: URL, headers: Record<string, string> = {}): Promise<Answer> {
  const request = httpRequest(url, { headers, agent: false });
  request.end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { status: response.statusCode, type: response.headers["content-type"], body: await text(response) };
}

async function sendRaw({ hostname, port }: URL, bytes: string): Promise<string> {
  const socket = connect(Number(port), hostname);
  socket.write(bytes, "latin1");
  return text(socket);
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("createHttpServer", () => {
  const lines: string[] = [];
  const log = createLogger({ level: "trace", format: "json", stream: { write: (line) => lines.push(line) } });
  let servers: HttpServer[] = [];

  const create = (given: Partial<HttpServerDeps> = {}): HttpServer => {
    const server = createHttpServer({
      address: { host: "127.0.0.1", port: 0 },
      allowsOthers: false,
      token: "unused",
      pageFolder: NOT_BUILT,
      registry: new Registry(),
      log,
      readiness: () => Promise.resolve({ ready: true, builders: [] }),
      ...given,
    });
    servers.push(server);
    return server;
  };
  const start = async (given: Partial<HttpServerDeps> = {}): Promise<URL> =>
    new URL((await create(given).start()).address);

  beforeEach(() => lines.splice(0));
  afterEach(async () => {
    await Promise.all(servers.map((server) => server.close()));
    servers = [];
  });

  it("serves the registry's metrics in its content type", async () => {
    const registry = new Registry();
    new Counter({ name: "memobuild_calls_total", help: "calls", registers: [registry] }).inc(3);
    const { status, type, body } = await get(new URL("/metrics", await start({ registry })));
    expect({ status, type }).to.deep.equal({ status: 200, type: registry.contentType });
    expect(body).to.include("memobuild_calls_total 3");
  });

  it("is healthy whatever its builders do", async () => {
    const base = await start({ readiness: () => Promise.reject(new Error("not asked for")) });
    expect(await get(new URL("/healthz", base))).to.include({ status: 200, body: '{"status":"ok"}' });
  });

  for (const [ready, status] of [[true, 200] as const, [false, 503] as const]) {
    it(`answers ${status} and the builders when ready is ${String(ready)}`, async () => {
      const answer = await get(
        new URL("/readyz", await start({ readiness: () => Promise.resolve({ ready, builders }) })),
      );
      expect(answer.status).to.equal(status);
      expect(JSON.parse(answer.body)).to.deep.equal({ ready, builders });
    });
  }

  it("hides and logs what broke", async () => {
    const answer = await get(new URL("/readyz", await start({ readiness: () => Promise.reject(new Error("inner")) })));
    expect(answer).to.include({ status: 500, body: '{"error":"internal error"}' });
    expect(lines.join("")).to.include("http request failed").and.include("inner");
  });

  it("stops asking when the client leaves, and logs nothing", async () => {
    const calls = new EventEmitter();
    const [asked, left] = [once(calls, "asked"), once(calls, "left")];
    const readiness = async (signal: AbortSignal): Promise<Readiness> => {
      calls.emit("asked");
      await once(signal, "abort");
      calls.emit("left");
      throw new Error("given up");
    };
    const { hostname, port } = await start({ readiness });
    const socket = connect(Number(port), hostname);
    socket.write("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await asked;
    socket.destroy();
    await left;
    await Promise.all(servers.map((server) => server.close()));
    expect(lines).to.be.empty;
  });

  it("lists what exists to who asks for something else", async () => {
    const answer = await get(new URL("/nope", await start()));
    expect(answer.status).to.equal(404);
    const paths = ["/", "/api/v1", "/metrics", "/healthz", "/readyz"];
    expect(JSON.parse(answer.body)).to.deep.equal({ error: "not found", paths });
  });

  it("refuses a foreign Host on every path", async () => {
    const base = await start();
    for (const path of ["/", "/api/v1/status", "/metrics", "/healthz", "/readyz", "/nope"]) {
      const { status, body } = await get(new URL(path, base), { host: `evil.example:${base.port}` });
      expect(status, path).to.equal(403);
      expect(body).to.include("localhost");
    }
  });

  it("says how the page is built where it is not", async () => {
    const answer = await get(new URL("/", await start()));
    expect(answer).to.include({ status: 404, type: "text/plain; charset=utf-8" });
    expect(answer.body).to.include("`make ui` builds it");
  });

  const strangers = {
    TLS: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  };
  for (const [protocol, bytes] of Object.entries(strangers)) {
    it(`tells a ${protocol} client what the port speaks`, async () => {
      const answer = await sendRaw(await start(), bytes);
      expect(answer).to.match(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(answer).to.include("this port speaks plain HTTP/1.1");
    });
  }

  it("refuses headers beyond its limit", async () => {
    const answer = await get(new URL("/healthz", await start()), { "x-long": "x".repeat(17 * 1024) });
    expect(answer.status).to.equal(431);
  });

  it("rejects a taken port with the option and the address", async () => {
    const { port } = await start();
    const address: HostPort = { host: "127.0.0.1", port: Number(port) };
    const error = await rejection(create({ address }).start());
    expect(error).to.be.instanceOf(StartError).with.property("option", "http");
    expect(error)
      .to.have.property("message")
      .that.equals(`cannot listen on 127.0.0.1:${port}: something else listens there already (EADDRINUSE)`);
  });

  it("closes twice, without a start, and with a client that stays connected", async () => {
    await create().close();
    const server = create();
    const { hostname, port } = new URL((await server.start()).address);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    const closed = once(socket, "close");
    socket.resume();
    await Promise.all([server.close(), server.close()]);
    await closed;
    expect(await rejection(get(new URL(`http://${hostname}:${port}/healthz`)))).to.have.property(
      "code",
      "ECONNREFUSED",
    );
  });
});
