/** The registry's listener: start, strangers, end. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect } from "chai";
import { testBlob } from "../test/support/blob-store-contract.js";
import { offer, send, startTestRegistry, type TestRegistry } from "../test/support/cache-registry.js";
import { StartError } from "../config/start-error.js";

describe("CacheRegistry", () => {
  let world: TestRegistry;
  beforeEach(async () => {
    world = await startTestRegistry(Infinity);
  });
  afterEach(() => world.close());

  const dial = (bytes: string): ReturnType<typeof connect> => {
    const { hostname, port } = new URL(world.base);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    return socket;
  };

  it("says which option names an address that is taken", async () => {
    const { port } = new URL(world.base);
    const failure = await startTestRegistry(Infinity, Number(port)).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(StartError).with.property("option", "registry-listen");
  });

  it("answers what is not HTTP with an error, and ends the connection", async () => {
    expect(await text(dial("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))).to.match(/^HTTP\/1\.1 400 /);
  });

  it("refuses headers beyond its limit", async () => {
    const headers = { "x-long": "x".repeat(17 * 1024) };
    expect((await send(world.base, "GET", "/v2/", { headers })).status).to.equal(431);
  });

  it("ends the connection of a client that goes on sending what was refused", async () => {
    const socket = dial("PUT /v2/x HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    expect(await text(socket)).to.match(/^HTTP\/1\.1 404 /);
  });

  it("closes with clients that are connected, in the middle of an answer and of an upload, and twice", async () => {
    const layer = testBlob(32 * 2 ** 20);
    const { repository } = await offer(world, [layer]);
    const reading = dial(`GET /v2/${repository}/blobs/${layer.digest} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(reading, "readable");
    const { repository: written } = world.registry.allowWrite();
    const path = `/v2/${written}/blobs/uploads/?digest=${layer.digest}`;
    const writing = dial(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n`);
    await once(writing, "readable");
    const closed = Promise.all([once(reading.resume(), "close"), once(writing.resume(), "close")]);
    await Promise.all([world.registry.close(), world.registry.close()]);
    await closed;
    expect(world.holds.isHeld(layer.digest)).to.be.false;
    expect(world.logLines).to.be.empty;
  });
});
