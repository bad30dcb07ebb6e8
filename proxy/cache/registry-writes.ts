/** Write tokens: one repository that takes blobs, and keeps the last manifest for whoever gave the token. */
import { setTimeout as pause } from "node:timers/promises";
import type { BlobHolds, Release } from "./blob-holds.js";
import { BlobError } from "./blob-store.js";
import { parseDigest, sha256Digest, type Digest } from "./digest.js";
import type { Access } from "./registry-access.js";
import { ChunkedUpload } from "./registry-chunked-upload.js";
import type { AnswerHeaders, Exchange } from "./registry-exchange.js";
import { repositoryOf, type RegistryPath } from "./registry-paths.js";
import type { Ticket } from "./registry-tokens.js";
import type { Uploads } from "./registry-uploads.js";

const MANIFEST_MAX_BYTES = 4 * 2 ** 20;
/** Of one token, begun and not ended; BuildKit sends four at a time. */
const MAX_UPLOADS = 64;
/** A blob that is being deleted is gone within milliseconds. */
const DELETION_POLL_MS = 10;
const DELETION_TIMEOUT_MS = 2000;

export interface PutManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export interface WriteGrant {
  /** `<host:port>/<repository>:<any tag>` is what BuildKit exports to. */
  readonly repository: string;
  /** The last that was put. */
  manifest(): PutManifest | undefined;
  /** Stops uploads that are under way; blobs that were found or stored may be deleted from here on. */
  revoke(): void;
}

export interface WriteDeps {
  readonly uploads: Uploads;
  readonly holds: BlobHolds;
}

export class WriteAccess implements Access, WriteGrant {
  readonly repository: string;
  readonly #forget: () => void;
  readonly #deps: WriteDeps;
  readonly #held = new Map<Digest, Release>();
  readonly #chunked = new Map<string, ChunkedUpload>();
  readonly #serving = new Set<Exchange>();
  #manifest: (PutManifest & { readonly reference: string }) | undefined;
  #isRevoked = false;

  constructor({ token, forget }: Ticket, deps: WriteDeps) {
    this.repository = repositoryOf(token);
    this.#forget = forget;
    this.#deps = deps;
  }

  manifest(): PutManifest | undefined {
    return this.#manifest;
  }

  revoke(): void {
    this.#isRevoked = true;
    this.#forget();
    for (const exchange of this.#serving) exchange.cut();
    for (const upload of [...this.#chunked.values()]) upload.abort();
    this.#deps.uploads.disown(this);
    for (const release of this.#held.values()) release();
    this.#held.clear();
  }

  async serve(exchange: Exchange, path: RegistryPath): Promise<void> {
    this.#serving.add(exchange);
    try {
      await this.#route(exchange, path);
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      this.#deps.uploads.refuse(exchange, error);
    } finally {
      this.#serving.delete(exchange);
    }
  }

  async #route(exchange: Exchange, { target, query }: RegistryPath): Promise<void> {
    const { method } = exchange.request;
    if (target.kind === "manifest") {
      if (method === "PUT") await this.#putManifest(exchange, target.reference);
      else this.#getManifest(exchange, target.reference);
    } else if (target.kind === "blob") {
      if (exchange.isHead) await this.#headBlob(exchange, target.digest);
      else exchange.notFound();
    } else if (target.kind === "uploads" && method === "POST") {
      await this.#beginUpload(exchange, query);
    } else if (target.kind === "upload") {
      await this.#continueUpload(exchange, target.id, query);
    } else {
      exchange.notFound();
    }
  }

  #getManifest(exchange: Exchange, reference: string): void {
    const manifest = this.#manifest;
    if (!exchange.isRead || (reference !== manifest?.reference && reference !== manifest?.digest)) {
      exchange.notFound();
      return;
    }
    const headers = { "content-type": manifest.mediaType, "docker-content-digest": manifest.digest };
    exchange.answer(200, headers, manifest.bytes);
  }

  async #putManifest(exchange: Exchange, reference: string): Promise<void> {
    const bytes = (exchange.contentLength ?? 0) > MANIFEST_MAX_BYTES ? undefined : await this.#readManifest(exchange);
    if (bytes === undefined) {
      exchange.error(413, "MANIFEST_INVALID", `a manifest has at most ${MANIFEST_MAX_BYTES} bytes`);
      return;
    }
    const digest = sha256Digest(bytes);
    if (parseDigest(reference) !== undefined && reference !== digest) {
      exchange.error(400, "DIGEST_INVALID", `the manifest has the digest ${digest}`);
      return;
    }
    const mediaType = exchange.request.headers["content-type"] ?? "application/vnd.oci.image.manifest.v1+json";
    this.#manifest = { reference, digest, mediaType, bytes };
    const location = `/v2/${this.repository}/manifests/${digest}`;
    exchange.answer(201, { location, "docker-content-digest": digest });
  }

  async #readManifest(exchange: Exchange): Promise<Buffer | undefined> {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    for await (const piece of this.#deps.uploads.body(exchange)) {
      sizeBytes += piece.length;
      if (sizeBytes > MANIFEST_MAX_BYTES) return undefined;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  async #headBlob(exchange: Exchange, digest: Digest): Promise<void> {
    await this.#hold(digest);
    const stat = await this.#deps.uploads.knownOrAnnounced(digest, this, exchange.closed());
    if (stat === undefined) exchange.notFound();
    else exchange.answer(200, { "docker-content-digest": digest, "content-length": stat.sizeBytes });
  }

  /** A blob is never mounted from another repository: the answer says that an upload is needed. */
  async #beginUpload(exchange: Exchange, query: URLSearchParams): Promise<void> {
    const digest = query.get("digest");
    if (digest !== null) {
      await this.#receive(exchange, parseDigest(digest));
      return;
    }
    if (this.#chunked.size >= MAX_UPLOADS) {
      exchange.error(429, "TOOMANYREQUESTS", `at most ${MAX_UPLOADS} uploads at a time`);
      return;
    }
    const { uploads } = this.#deps;
    const upload = new ChunkedUpload(
      (expected, bytes, signal) => uploads.store(expected, bytes, undefined, signal),
      () => this.#chunked.delete(upload.id),
    );
    this.#chunked.set(upload.id, upload);
    exchange.answer(202, this.#uploadHeaders(upload));
  }

  async #continueUpload(exchange: Exchange, id: string, query: URLSearchParams): Promise<void> {
    const upload = this.#chunked.get(id);
    const { method } = exchange.request;
    if (upload === undefined) exchange.notFound();
    else if (method === "GET") exchange.answer(204, this.#uploadHeaders(upload));
    else if (method === "PUT") await this.#finishUpload(exchange, upload, parseDigest(query.get("digest") ?? ""));
    else if (method === "PATCH") await this.#appendToUpload(exchange, upload);
    else if (method === "DELETE") {
      upload.abort();
      exchange.answer(204);
    } else exchange.notFound();
  }

  async #appendToUpload(exchange: Exchange, upload: ChunkedUpload): Promise<void> {
    const range = exchange.request.headers["content-range"];
    const first = /^(?:bytes )?(\d+)-\d+(?:\/.*)?$/.exec(range ?? "")?.[1];
    if (upload.isBusy || (range !== undefined && Number(first) !== upload.offset)) {
      const message = `the next byte to send is byte ${upload.offset}`;
      exchange.error(416, "BLOB_UPLOAD_INVALID", message, this.#uploadHeaders(upload));
      return;
    }
    await upload.append(this.#deps.uploads.body(exchange));
    exchange.answer(202, this.#uploadHeaders(upload));
  }

  async #finishUpload(exchange: Exchange, upload: ChunkedUpload, digest: Digest | undefined): Promise<void> {
    if (upload.isBusy) {
      exchange.error(416, "BLOB_UPLOAD_INVALID", "another request of the upload is under way");
    } else if (digest === undefined || upload.offset === 0) {
      upload.abort();
      await this.#receive(exchange, digest);
    } else {
      await this.#hold(digest);
      await upload.append(this.#deps.uploads.body(exchange));
      await upload.finish(digest);
      this.#answerStored(exchange, digest);
    }
  }

  async #receive(exchange: Exchange, digest: Digest | undefined): Promise<void> {
    if (digest === undefined) {
      exchange.error(400, "DIGEST_INVALID", "the digest is not sha256 and 64 hexadecimal digits");
      return;
    }
    await this.#hold(digest);
    await this.#deps.uploads.receive(exchange, digest, this, exchange.closed());
    this.#answerStored(exchange, digest);
  }

  #answerStored(exchange: Exchange, digest: Digest): void {
    const location = `/v2/${this.repository}/blobs/${digest}`;
    exchange.answer(201, { location, "docker-content-digest": digest });
  }

  #uploadHeaders({ id, offset }: ChunkedUpload): AnswerHeaders {
    return {
      location: `/v2/${this.repository}/blobs/uploads/${id}`,
      range: `0-${Math.max(0, offset - 1)}`,
      "docker-upload-uuid": id,
    };
  }

  /** Before the blob is looked for or stored, so that it is not deleted behind the answer. */
  async #hold(digest: Digest): Promise<void> {
    for (let waitedMs = 0; waitedMs < DELETION_TIMEOUT_MS; waitedMs += DELETION_POLL_MS) {
      if (this.#isRevoked) throw new BlobError("aborted", "the token has ended");
      if (this.#held.has(digest)) return;
      const release = this.#deps.holds.hold(digest);
      if (release !== undefined) {
        this.#held.set(digest, release);
        return;
      }
      await pause(DELETION_POLL_MS);
    }
    throw new Error("a blob is being deleted and does not go");
  }
}
