/** Promises of dialling a builder; TLS is tested with real BuildKit. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { addressBuilder } from "./dial.js";

const message = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe("addressBuilder", () => {
  const never = new AbortController().signal;
  let folder = "";
  let path = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "memobuild-dial-"));
    path = join(folder, "s.sock");
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("connects to a unix socket", async () => {
    const server = net.createServer((socket) => socket.end("hello")).listen(path);
    await once(server, "listening");
    const socket = await addressBuilder({ kind: "unix", path }).dial(never);
    expect(String((await once(socket, "data"))[0])).to.equal("hello");
    socket.destroy();
    server.close();
    await once(server, "close");
  });

  it("says why there is no connection", async () => {
    expect(await message(addressBuilder({ kind: "unix", path }).dial(never))).to.equal(`connect ENOENT ${path}`);
    const closed = net.createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const bound = closed.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    closed.close();
    await once(closed, "close");
    const builder = addressBuilder({ kind: "tcp", host: "127.0.0.1", port });
    expect(await message(builder.dial(never))).to.equal(`connect ECONNREFUSED 127.0.0.1:${port}`);
  });

  it("gives up when it is told to", async () => {
    const abort = new AbortController();
    abort.abort();
    expect(await message(addressBuilder({ kind: "unix", path }).dial(abort.signal))).to.match(/abort/);
  });

  it("upgrades a Docker Engine's socket and keeps the bytes that came with the answer", async () => {
    const seen: string[] = [];
    const engine = createServer().listen(path);
    engine.on("upgrade", (request, socket) => {
      seen.push(`${String(request.method)} ${String(request.url)} ${String(request.headers.upgrade)}`);
      socket.end("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nfirst bytes");
    });
    await once(engine, "listening");
    const socket = await addressBuilder({ kind: "docker", path }).dial(never);
    expect(String((await once(socket, "data"))[0])).to.equal("first bytes");
    expect(seen).to.deep.equal(["POST /grpc h2c"]);
    socket.destroy();
    engine.close();
    await once(engine, "close");
  });

  it("reports an engine that refuses the upgrade", async () => {
    const engine = createServer((_, response) => response.writeHead(404).end()).listen(path);
    await once(engine, "listening");
    const refused = await message(addressBuilder({ kind: "docker", path }).dial(never));
    expect(refused).to.equal("the engine refused the upgrade to its BuildKit with HTTP 404");
    engine.close();
    await once(engine, "close");
  });
});
