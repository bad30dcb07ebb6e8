/** What read tokens serve, over real HTTP. */
import { once } from "node:events";
import { open, truncate, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { expect } from "chai";
import { testBlob } from "../test/support/blob-store-contract.js";
import { offer, send, startTestRegistry, type Answer, type TestRegistry } from "../test/support/cache-registry.js";
import { poll } from "../test/support/poll.js";

const LARGE_BYTES = 5 * 2 ** 20;

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
    buffer[0] = (buffer[0] ?? 0) ^ 1;
    await file.write(buffer, 0, 1, at);
  } finally {
    await file.close();
  }
}

const failureOf = (answer: Promise<Answer>): Promise<unknown> => answer.catch((error: unknown) => error);

describe("CacheRegistry.allowRead", () => {
  let world: TestRegistry;
  beforeEach(async () => {
    world = await startTestRegistry(Infinity);
  });
  afterEach(() => world.close());

  const get = (path: string, headers = {}): Promise<Answer> => send(world.base, "GET", `/v2/${path}`, { headers });

  it("serves the manifest by digest, and the config", async () => {
    const { repository, given } = await offer(world, []);
    const { manifest, config } = given;
    for (const [path, { digest, bytes }] of [["manifests", manifest] as const, ["blobs", config] as const]) {
      const url = `${repository}/${path}/${digest}`;
      const answer = await get(url);
      expect(answer.status).to.equal(200);
      expect(answer.body).to.deep.equal(bytes);
      expect(answer.headers["docker-content-digest"]).to.equal(digest);
      const head = await send(world.base, "HEAD", `/v2/${url}`);
      expect(head.status).to.equal(200);
      expect(head.headers["content-length"]).to.equal(String(bytes.length));
      expect(head.headers["content-type"]).to.equal(answer.headers["content-type"]);
    }
    expect((await get(`${repository}/manifests/${manifest.digest}`)).headers["content-type"]).to.equal(
      manifest.mediaType,
    );
    expect((await get(`${repository}/manifests/latest`)).status).to.equal(404);
  });

  for (const sizeBytes of [0, 1000, 2 ** 20, LARGE_BYTES]) {
    it(`serves a layer of ${sizeBytes} bytes`, async () => {
      const layer = testBlob(sizeBytes);
      const { repository, bad } = await offer(world, [layer]);
      const url = `${repository}/blobs/${layer.digest}`;
      const { status, headers, body } = await get(url);
      expect(status).to.equal(200);
      expect(body.equals(layer.bytes)).to.be.true;
      expect(headers).to.include({
        "content-length": String(sizeBytes),
        "accept-ranges": "bytes",
        "docker-content-digest": layer.digest,
        etag: `"${layer.digest}"`,
      });
      const head = await send(world.base, "HEAD", `/v2/${url}`);
      expect(head.headers).to.include({ "content-length": String(sizeBytes), etag: `"${layer.digest}"` });
      expect(bad).to.be.empty;
      expect(await world.metric("memobuild_registry_bytes_total", { direction: "out" })).to.equal(sizeBytes);
    });
  }

  it("serves ranges of verified layers, and all of a layer that is in doubt", async () => {
    const layer = testBlob(LARGE_BYTES);
    const { repository } = await offer(world, [layer]);
    const url = `${repository}/blobs/${layer.digest}`;
    const unverified = await get(url, { range: "bytes=10-19" });
    expect(unverified.status).to.equal(200);
    expect(unverified.body.equals(layer.bytes)).to.be.true;
    const write = world.registry.allowWrite();
    await send(world.base, "POST", `/v2/${write.repository}/blobs/uploads/?digest=${layer.digest}`, {
      body: layer.bytes,
    });
    for (const [range, first, last] of [
      ["bytes=10-19", 10, 19],
      ["bytes=2000000-", 2_000_000, LARGE_BYTES - 1],
      ["bytes=-1", LARGE_BYTES - 1, LARGE_BYTES - 1],
    ] as const) {
      const part = await get(url, { range });
      expect(part.status).to.equal(206);
      expect(part.body.equals(layer.bytes.subarray(first, last + 1)), range).to.be.true;
      expect(part.headers["content-range"]).to.equal(`bytes ${first}-${last}/${LARGE_BYTES}`);
    }
    const behind = await get(url, { range: `bytes=${LARGE_BYTES}-` });
    expect(behind.status).to.equal(416);
    expect(behind.headers["content-range"]).to.equal(`bytes */${LARGE_BYTES}`);
  });

  it("says the same of what is unknown, revoked or not offered: 404 and nothing more", async () => {
    const layer = testBlob(10);
    const { repository, given, revoke } = await offer(world, [layer]);
    const revoked = await offer(world, []);
    revoked.revoke();
    const paths = [
      "",
      "_catalog",
      `${"0".repeat(32)}/cache/manifests/${given.manifest.digest}`,
      `${revoked.repository}/manifests/${given.manifest.digest}`,
      `${repository}/manifests/${layer.digest}`,
      `${repository}/blobs/${testBlob(1).digest}`,
      `${repository}/blobs/uploads/`,
      `${repository}/tags/list`,
    ];
    const answers = await Promise.all(paths.map((path) => get(path)));
    for (const { status, body, headers } of answers) {
      expect(status).to.equal(404);
      expect(body.toString()).to.equal(answers[0]?.body.toString());
      expect(headers["www-authenticate"]).to.be.undefined;
    }
    revoke();
    expect((await get(`${repository}/blobs/${layer.digest}`)).status).to.equal(404);
    expect(world.logLines).to.be.empty;
  });

  it("refuses to write", async () => {
    const { repository, given } = await offer(world, []);
    for (const [method, path] of [
      ["PUT", `manifests/${given.manifest.digest}`],
      ["POST", "blobs/uploads/"],
      ["DELETE", `blobs/${given.config.digest}`],
    ] as const) {
      const options = method === "DELETE" ? {} : { body: Buffer.from("{}") };
      expect((await send(world.base, method, `/v2/${repository}/${path}`, options)).status).to.equal(405);
    }
  });

  it("tells once of a layer that is missing, and answers 404", async () => {
    const layer = testBlob(5000);
    const { repository, bad } = await offer(world, [layer]);
    await unlink(world.pathOf(layer.digest));
    const url = `${repository}/blobs/${layer.digest}`;
    for (const method of ["GET", "HEAD", "GET"]) {
      expect((await send(world.base, method, `/v2/${url}`)).status).to.equal(404);
    }
    expect(bad).to.deep.equal([`${layer.digest} missing`]);
  });

  for (const sizeBytes of [5000, LARGE_BYTES]) {
    it(`never serves a layer of ${sizeBytes} bytes to its end when a byte of it is wrong`, async () => {
      const layer = testBlob(sizeBytes);
      const { repository, bad } = await offer(world, [layer]);
      await flipByte(world.pathOf(layer.digest), sizeBytes - 1);
      const url = `${repository}/blobs/${layer.digest}`;
      const first = await failureOf(get(url));
      if (sizeBytes === LARGE_BYTES) expect(first).to.have.property("code", "ECONNRESET");
      else expect(first).to.have.property("status", 404);
      expect((await get(url, { range: "bytes=0-9" })).status).to.equal(404);
      expect(bad).to.deep.equal([`${layer.digest} corrupt`]);
    });
  }

  it("never serves a layer that was cut short", async () => {
    const layer = testBlob(LARGE_BYTES);
    const { repository, bad } = await offer(world, [layer]);
    await truncate(world.pathOf(layer.digest), LARGE_BYTES - 1);
    expect((await get(`${repository}/blobs/${layer.digest}`)).status).to.equal(404);
    expect(bad).to.deep.equal([`${layer.digest} corrupt`]);
  });

  it("holds its layers until it is revoked, and is not given for one that is being deleted", async () => {
    const layer = testBlob(10);
    const { revoke, given } = await offer(world, [layer]);
    expect(world.holds.condemn(layer.digest)).to.be.undefined;
    revoke();
    revoke();
    const other = testBlob(1);
    const release = world.holds.condemn(layer.digest);
    const layers = new Map([
      [other.digest, 1],
      [layer.digest, 10],
    ]);
    expect(world.registry.allowRead({ ...given, layers })).to.be.undefined;
    expect(world.holds.isHeld(other.digest)).to.be.false;
    release?.();
  });

  it("reads no more from the store than a slow client takes", async () => {
    const layer = testBlob(64 * 2 ** 20);
    const { repository } = await offer(world, [layer]);
    const { hostname, port } = new URL(world.base);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /v2/${repository}/blobs/${layer.digest} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(socket, "readable");
    const sent = (): Promise<number> => world.metric("memobuild_registry_bytes_total", { direction: "out" });
    // What the kernel's buffers take, then nothing any more.
    let before = -1;
    const standing = await poll(
      async () => {
        const now = await sent();
        const isSame = now === before;
        before = now;
        return isSame ? now : -1;
      },
      (bytes) => bytes > 0,
      { what: "the registry stops sending", timeoutMs: 1500, intervalMs: 100 },
    );
    expect(standing).to.be.lessThan(layer.bytes.length / 2);
    socket.destroy();
    await poll(
      () => world.metric("memobuild_registry_requests_total", { operation: "get_blob", code: "cut" }),
      (count) => count === 1,
      { what: "the request is counted as cut", timeoutMs: 1500 },
    );
    expect(world.logLines).to.be.empty;
  });
});

describe("CacheRegistry.expectProbe", () => {
  let world: TestRegistry;
  beforeEach(async () => {
    world = await startTestRegistry(Infinity);
  });
  afterEach(() => world.close());

  it("sees a manifest that is asked for, and a page, and answers 404", async () => {
    for (const method of ["HEAD", "GET"]) {
      const byImage = world.registry.expectProbe();
      const [repository = "", tag = ""] = byImage.reference.split(":");
      expect((await send(world.base, method, `/v2/${repository}/manifests/${tag}`)).status).to.equal(404);
      await byImage.seen;
      const byHttp = world.registry.expectProbe();
      expect((await send(world.base, method, byHttp.httpPath)).status).to.equal(404);
      await byHttp.seen;
    }
    expect(await world.metric("memobuild_registry_requests_total", { operation: "probe", code: "404" })).to.equal(4);
  });

  it("sees nothing of other paths, nor after it was revoked", async () => {
    const probe = world.registry.expectProbe();
    let isSeen = false;
    void probe.seen.then(() => {
      isSeen = true;
    });
    await send(world.base, "GET", `/probe/${"0".repeat(32)}`);
    probe.revoke();
    await send(world.base, "GET", probe.httpPath);
    expect(isSeen).to.be.false;
  });
});
