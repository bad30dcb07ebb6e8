/** What write tokens take, over real HTTP: uploads of every form, and nothing left of those that fail. */
import { request as httpRequest } from "node:http";
import { appendFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { blobErrorOf, never, pieces, read, testBlob, type TestBlob } from "../test/support/blob-store-contract.js";
import {
  send,
  startTestRegistry,
  type Answer,
  type RequestOptions,
  type TestRegistry,
} from "../test/support/cache-registry.js";
import { poll, within } from "../test/support/poll.js";
import { sha256Digest } from "./digest.js";
import type { WriteGrant } from "./registry-writes.js";

const HARD_MAX_BYTES = 16 * 2 ** 20;
const LARGE_BYTES = 3 * 2 ** 20;
const MANIFEST_MAX_BYTES = 4 * 2 ** 20;

describe("CacheRegistry.allowWrite", () => {
  let world: TestRegistry;
  let grant: WriteGrant;
  beforeEach(async () => {
    world = await startTestRegistry(HARD_MAX_BYTES);
    grant = world.registry.allowWrite();
  });
  afterEach(async () => {
    // Whatever happened to an upload, nothing of it is left once the registry is closed.
    await world.registry.close();
    const left = await readdir(join(world.dir, "ingest"));
    const lines = world.logLines.join("");
    await world.close();
    expect(left).to.be.empty;
    expect(lines).to.be.empty;
  });

  const to = (writer: WriteGrant, method: string, path: string, options?: RequestOptions): Promise<Answer> =>
    send(world.base, method, `/v2/${writer.repository}/${path}`, options);
  const begin = async (writer = grant): Promise<string> => {
    const { status, headers } = await to(writer, "POST", "blobs/uploads/");
    expect(status).to.equal(202);
    return headers.location ?? "";
  };
  /** As BuildKit does: announces nothing, sends all in one PUT. */
  const upload = async ({ digest, bytes }: TestBlob, writer = grant): Promise<Answer> =>
    send(world.base, "PUT", `${await begin(writer)}?digest=${digest}`, { body: bytes });
  const head = async ({ digest }: TestBlob, writer = grant): Promise<number> =>
    (await to(writer, "HEAD", `blobs/${digest}`)).status;
  const received = (): Promise<number> => world.metric("memobuild_registry_bytes_total", { direction: "in" });
  const isStored = async ({ digest, bytes }: TestBlob): Promise<boolean> =>
    (await read(world.store, digest))?.bytes.equals(bytes) === true && world.index.has(digest);

  for (const sizeBytes of [0, 100, LARGE_BYTES]) {
    it(`takes ${sizeBytes} bytes in one PUT, and knows them then`, async () => {
      const blob = testBlob(sizeBytes);
      expect(await head(blob)).to.equal(404);
      const { status, headers } = await upload(blob);
      expect(status).to.equal(201);
      expect(headers["docker-content-digest"]).to.equal(blob.digest);
      expect(await isStored(blob)).to.be.true;
      const answer = await to(grant, "HEAD", `blobs/${blob.digest}`);
      expect(answer.status).to.equal(200);
      expect(answer.headers["content-length"]).to.equal(String(sizeBytes));
    });
  }

  it("takes a blob in a single POST, and one of unknown size", async () => {
    const [one, other] = [testBlob(1000), testBlob(LARGE_BYTES)];
    const posted = await to(grant, "POST", `blobs/uploads/?digest=${one.digest}`, { body: one.bytes });
    expect(posted.status).to.equal(201);
    const url = `${await begin()}?digest=${encodeURIComponent(other.digest)}`;
    expect((await send(world.base, "PUT", url, { body: pieces(other.bytes) })).status).to.equal(201);
    expect(await isStored(one)).to.be.true;
    expect(await isStored(other)).to.be.true;
  });

  it("takes a blob in pieces, with and without ranges, and tells how far it is", async () => {
    const blob = testBlob(LARGE_BYTES);
    const url = await begin();
    expect((await send(world.base, "GET", url)).headers.range).to.equal("0-0");
    const [first, second, last] = [1_000_000, 2_500_000, LARGE_BYTES];
    const one = await send(world.base, "PATCH", url, {
      body: blob.bytes.subarray(0, first),
      headers: { "content-range": `0-${first - 1}` },
    });
    expect(one.status).to.equal(202);
    expect(one.headers.range).to.equal(`0-${first - 1}`);
    const gap = await send(world.base, "PATCH", url, {
      body: blob.bytes.subarray(second),
      headers: { "content-range": `${second}-${last - 1}` },
    });
    expect(gap.status).to.equal(416);
    await send(world.base, "PATCH", url, { body: pieces(blob.bytes.subarray(first, second)) });
    const status = await send(world.base, "GET", url);
    expect(status.status).to.equal(204);
    expect(status.headers).to.include({ range: `0-${second - 1}`, location: url });
    const put = await send(world.base, "PUT", `${url}?digest=${blob.digest}`, { body: blob.bytes.subarray(second) });
    expect(put.status).to.equal(201);
    expect(await isStored(blob)).to.be.true;
    expect((await send(world.base, "GET", url)).status).to.equal(404);
  });

  it("forgets an upload that is deleted, and one in pieces whose digest is wrong", async () => {
    const url = await begin();
    await send(world.base, "PATCH", url, { body: Buffer.from("abc") });
    expect((await send(world.base, "DELETE", url)).status).to.equal(204);
    expect((await send(world.base, "PATCH", url, { body: Buffer.from("abc") })).status).to.equal(404);
    const other = await begin();
    await send(world.base, "PATCH", other, { body: Buffer.from("abc") });
    expect((await send(world.base, "PUT", `${other}?digest=${testBlob(1).digest}`)).status).to.equal(400);
    expect((await send(world.base, "GET", other)).status).to.equal(404);
    expect(world.index).to.be.empty;
  });

  it("answers a mount with the need to upload", async () => {
    const { digest } = testBlob(1);
    const { status } = await to(grant, "POST", `blobs/uploads/?mount=${digest}&from=other`);
    expect(status).to.equal(202);
  });

  it("limits uploads that are begun and not ended", async () => {
    for (let count = 0; count < 64; count++) await begin();
    expect((await to(grant, "POST", "blobs/uploads/")).status).to.equal(429);
  });

  it("refuses a wrong digest, and what is no digest, and keeps nothing", async () => {
    const blob = testBlob(LARGE_BYTES);
    for (const digest of [testBlob(1).digest, "sha256:12", "md5:d41d8cd98f00b204e9800998ecf8427e", ""]) {
      const { status, body } = await send(world.base, "PUT", `${await begin()}?digest=${digest}`, { body: blob.bytes });
      expect(status).to.equal(400);
      expect(body.toString()).to.include("DIGEST_INVALID");
    }
    expect((await send(world.base, "PUT", await begin(), { body: blob.bytes })).status).to.equal(400);
    expect(world.index).to.be.empty;
  });

  it("refuses what there is no room for, says so, and goes on", async () => {
    const [large, small] = [testBlob(HARD_MAX_BYTES + 1), testBlob(10)];
    expect((await upload(large)).status).to.equal(507);
    expect(world.noSpaceCount()).to.equal(1);
    expect((await upload(small)).status).to.equal(201);
  });

  it("does not know a blob that is not in the index, or was written to", async () => {
    const [unindexed, changed] = [testBlob(10), testBlob(10)];
    await world.store.put(unindexed.digest, pieces(unindexed.bytes), 10, never);
    expect(await head(unindexed)).to.equal(404);
    await upload(changed);
    await appendFile(world.pathOf(changed.digest), "x");
    expect(await head(changed)).to.equal(404);
    await upload(changed);
    expect(await head(changed)).to.equal(200);
    expect(await isStored(changed)).to.be.true;
  });

  it("holds what it told of and took, until it is revoked", async () => {
    const blobs = [testBlob(1), testBlob(2)] as const;
    await upload(blobs[0]);
    const other = world.registry.allowWrite();
    await head(blobs[0], other);
    await upload(blobs[1], other);
    grant.revoke();
    for (const { digest } of blobs) expect(world.holds.condemn(digest)).to.be.undefined;
    other.revoke();
    for (const { digest } of blobs) expect(world.holds.condemn(digest)).not.to.be.undefined;
  });

  it("waits with an upload until a deletion of the blob is done", async () => {
    const blob = testBlob(10);
    const release = world.holds.condemn(blob.digest);
    const answer = upload(blob);
    await poll(received, () => true, { what: "a turn passes" });
    expect(await received()).to.equal(0);
    release?.();
    expect((await answer).status).to.equal(201);
  });

  it("keeps the last manifest, and serves it by its tag and its digest", async () => {
    expect(grant.manifest()).to.be.undefined;
    expect((await to(grant, "HEAD", "manifests/wb")).status).to.equal(404);
    const bytes = Buffer.from('{"schemaVersion":2}');
    const digest = sha256Digest(bytes);
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const put = await to(grant, "PUT", "manifests/wb", { body: bytes, headers: { "content-type": mediaType } });
    expect(put.status).to.equal(201);
    expect(put.headers["docker-content-digest"]).to.equal(digest);
    expect(grant.manifest()).to.include({ digest, mediaType });
    for (const reference of ["wb", digest]) {
      expect((await to(grant, "GET", `manifests/${reference}`)).body).to.deep.equal(bytes);
    }
    expect((await to(grant, "GET", "manifests/other")).status).to.equal(404);
  });

  it("refuses a manifest that is too large, announced or not, or has another digest", async () => {
    const tooLarge = Buffer.alloc(MANIFEST_MAX_BYTES + 1);
    const announced = { body: tooLarge, headers: { "content-length": tooLarge.length } };
    expect((await to(grant, "PUT", "manifests/wb", announced)).status).to.equal(413);
    expect((await to(grant, "PUT", "manifests/wb", { body: pieces(tooLarge) })).status).to.equal(413);
    const wrong = await to(grant, "PUT", `manifests/${testBlob(1).digest}`, { body: Buffer.from("{}") });
    expect(wrong.status).to.equal(400);
    expect(grant.manifest()).to.be.undefined;
  });

  /** Sends a part of the blob, and lets the rest wait. */
  async function uploadPart({ digest, bytes }: TestBlob, writer = grant): Promise<ReturnType<typeof httpRequest>> {
    const before = await received();
    const request = httpRequest(`${world.base}${await begin(writer)}?digest=${digest}`, {
      method: "PUT",
      headers: { "content-length": bytes.length },
      agent: false,
    });
    request.on("error", () => undefined);
    request.write(bytes.subarray(0, LARGE_BYTES / 2));
    await poll(received, (now) => now > before, { what: "a part arrives", timeoutMs: 1500 });
    return request;
  }

  it("keeps nothing of an upload whose client goes away", async () => {
    const blob = testBlob(LARGE_BYTES);
    (await uploadPart(blob)).destroy();
    await poll(
      () => readdir(join(world.dir, "ingest")),
      (files) => files.length === 0,
      {
        what: "the part is removed",
        timeoutMs: 1500,
      },
    );
    expect(await head(blob)).to.equal(404);
  });

  it("stops uploads when it is revoked, whole and in pieces, and answers 404 from then on", async () => {
    const blob = testBlob(LARGE_BYTES);
    const request = await uploadPart(blob);
    const url = await begin();
    await send(world.base, "PATCH", url, { body: blob.bytes });
    const cut = new Promise((resolve) => request.once("close", resolve));
    grant.revoke();
    await cut;
    await poll(
      () => readdir(join(world.dir, "ingest")),
      (files) => files.length === 0,
      {
        what: "the parts are removed",
        timeoutMs: 1500,
      },
    );
    expect((await send(world.base, "PATCH", url, { body: blob.bytes })).status).to.equal(404);
    expect((await to(grant, "POST", "blobs/uploads/")).status).to.equal(404);
    expect(await blobErrorOf(world.store.put(blob.digest, pieces(blob.bytes), undefined, never))).to.be.undefined;
  });

  it("takes the same blob from several builders at once only once", async () => {
    const blob = testBlob(LARGE_BYTES);
    const writers = [grant, world.registry.allowWrite(), world.registry.allowWrite()];
    // As BuildKit does: asks first, sends what is not there.
    const exportTo = async (writer: WriteGrant): Promise<number> =>
      (await head(blob, writer)) === 200 ? 200 : (await upload(blob, writer)).status;
    const statuses = await Promise.all(writers.map(exportTo));
    expect(statuses.sort()).to.deep.equal([200, 200, 201]);
    expect(await received()).to.equal(LARGE_BYTES);
    expect(await world.metric("memobuild_registry_deduplicated_uploads_total")).to.equal(2);
  });

  it("lets a second upload go by when the first one ends well", async () => {
    const blob = testBlob(LARGE_BYTES);
    const first = await uploadPart(blob);
    const second = upload(blob, world.registry.allowWrite());
    first.end(blob.bytes.subarray(LARGE_BYTES / 2));
    expect((await second).status).to.equal(201);
    expect(await received()).to.equal(LARGE_BYTES);
    expect(await world.metric("memobuild_registry_bytes_total", { direction: "drained" })).to.equal(LARGE_BYTES);
  });

  it("takes the blob from another one when the first upload fails", async () => {
    const blob = testBlob(LARGE_BYTES);
    const [second, third] = [world.registry.allowWrite(), world.registry.allowWrite()];
    const first = await uploadPart(blob);
    const uploaded = upload(blob, second);
    const asked = head(blob, third);
    first.destroy();
    expect((await uploaded).status).to.equal(201);
    expect(await isStored(blob)).to.be.true;
    // It waited for the second one, or was told to send it itself.
    expect(await asked).to.be.oneOf([200, 404]);
  });

  it("does not wait for what the owner of a dead token announced", async () => {
    const blob = testBlob(10);
    const other = world.registry.allowWrite();
    expect(await head(blob)).to.equal(404);
    const asked = head(blob, other);
    grant.revoke();
    expect(await within(asked, 1000, "HEAD of a blob that nobody sends")).to.equal(404);
  });

  it("tells a builder that asks twice at once, not to wait for itself", async () => {
    const blob = testBlob(10);
    expect(await head(blob)).to.equal(404);
    expect(await within(head(blob), 1000, "the second HEAD")).to.equal(404);
    expect((await upload(blob)).status).to.equal(201);
  });

  it("counts requests by what they are", async () => {
    const blob = testBlob(10);
    await head(blob);
    await upload(blob);
    await send(world.base, "GET", "/v2/");
    const count = (operation: string, code: string): Promise<number> =>
      world.metric("memobuild_registry_requests_total", { operation, code });
    await poll(
      () => count("other", "404"),
      (value) => value === 1,
      { what: "all is counted" },
    );
    expect(await count("head_blob", "404")).to.equal(1);
    expect(await count("upload", "202")).to.equal(1);
    expect(await count("upload", "201")).to.equal(1);
  });
});
