/** Read tokens: one manifest and its config from memory, its layers from the store, checked while they are sent. */
import type { Release } from "./blob-holds.js";
import type { BlobStore, ByteRange } from "./blob-store.js";
import { sha256Digest, type Digest } from "./digest.js";
import type { Access } from "./registry-access.js";
import type { AnswerHeaders, Exchange } from "./registry-exchange.js";
import { parseRange, repositoryOf, type RegistryPath } from "./registry-paths.js";
import type { Ticket } from "./registry-tokens.js";
import { readWhole, SendLimit, sendPart, sendWhole } from "./registry-send.js";
import type { Uploads } from "./registry-uploads.js";

/** Up to here a layer is checked before its first byte is sent, so that a wrong one is a clean 404. */
const CHECK_FIRST_MAX_BYTES = 2 ** 20;

export type BadLayerReason = "missing" | "corrupt";

export interface CacheImport {
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };
  readonly config: { readonly digest: Digest; readonly bytes: Uint8Array };
  /** Sizes of the layers that may be read. */
  readonly layers: ReadonlyMap<Digest, number>;
  /** Once for each layer that turns out to be bad. */
  readonly onBadLayer: (digest: Digest, reason: BadLayerReason) => void;
  /** A layer, or a part of it, is sent. */
  readonly onLayerSent?: (digest: Digest, bytes: number) => void;
}

export interface ReadGrant {
  /** `<host:port>/<repository>@<digest of the manifest>` is what BuildKit imports. */
  readonly repository: string;
  /** Answers that are under way go on. More than once does no harm. */
  revoke(): void;
}

export interface ReadDeps {
  readonly store: BlobStore;
  readonly uploads: Pick<Uploads, "known">;
}

export class ReadAccess implements Access, ReadGrant {
  readonly repository: string;
  readonly #import: CacheImport;
  readonly #deps: ReadDeps;
  readonly #forget: () => void;
  readonly #bad = new Set<Digest>();
  readonly #held: Release[];

  /** @param held of the layers, let go of when the token ends */
  constructor({ token, forget }: Ticket, offered: CacheImport, held: readonly Release[], deps: ReadDeps) {
    this.repository = repositoryOf(token);
    this.#forget = forget;
    this.#import = offered;
    this.#held = [...held];
    this.#deps = deps;
  }

  revoke(): void {
    this.#forget();
    for (const release of this.#held.splice(0)) release();
  }

  /** Manifest and config without any waiting: until BuildKit has both, every build on its daemon stands still. */
  serve(exchange: Exchange, { target }: RegistryPath): void | Promise<void> {
    const { manifest, config, layers } = this.#import;
    if (!exchange.isRead) {
      exchange.error(405, "UNSUPPORTED", "this repository is only read");
    } else if (target.kind === "manifest" && target.reference === manifest.digest) {
      exchange.answer(200, { ...digestHeaders(manifest.digest), "content-type": manifest.mediaType }, manifest.bytes);
    } else if (target.kind === "blob" && target.digest === config.digest) {
      exchange.answer(200, digestHeaders(config.digest), config.bytes);
    } else {
      const sizeBytes = target.kind === "blob" ? layers.get(target.digest) : undefined;
      if (target.kind !== "blob" || sizeBytes === undefined || this.#bad.has(target.digest)) exchange.notFound();
      else if (exchange.isHead) return this.#head(exchange, target.digest, sizeBytes);
      else return this.#get(exchange, target.digest, sizeBytes);
    }
  }

  async #head(exchange: Exchange, digest: Digest, sizeBytes: number): Promise<void> {
    const stat = await this.#deps.store.stat(digest);
    if (stat?.sizeBytes === sizeBytes) exchange.answer(200, { ...layerHeaders(digest), "content-length": sizeBytes });
    else this.#refuse(exchange, digest, stat === undefined ? "missing" : "corrupt");
  }

  async #get(exchange: Exchange, digest: Digest, sizeBytes: number): Promise<void> {
    const range = parseRange(exchange.request.headers.range, sizeBytes);
    if (range === "unsatisfiable") {
      const headers = { "content-range": `bytes */${sizeBytes}` };
      exchange.error(416, "RANGE_INVALID", `the blob has ${sizeBytes} bytes`, headers);
      return;
    }
    // A part cannot be checked. Where the bytes are in doubt all of them are sent, which answers any range.
    const part = range !== undefined && (await this.#deps.uploads.known(digest)) !== undefined ? range : undefined;
    const limit = new SendLimit(exchange);
    try {
      await this.#send(exchange, digest, sizeBytes, part, limit);
    } catch (error) {
      if (!limit.signal.aborted) throw error;
      exchange.cut();
    } finally {
      limit.end();
    }
  }

  async #send(
    exchange: Exchange,
    digest: Digest,
    sizeBytes: number,
    part: ByteRange | undefined,
    limit: SendLimit,
  ): Promise<void> {
    const reading = await this.#deps.store.get(digest, part, limit.signal);
    const headers = layerHeaders(digest);
    if (reading?.sizeBytes !== sizeBytes) {
      reading?.bytes.destroy();
      this.#refuse(exchange, digest, reading === undefined ? "missing" : "corrupt");
    } else if (part !== undefined) {
      const partBytes = part.last - part.first + 1;
      this.#import.onLayerSent?.(digest, partBytes);
      const contentRange = `bytes ${part.first}-${part.last}/${sizeBytes}`;
      exchange.begin(206, { ...headers, "content-range": contentRange, "content-length": partBytes });
      if (!(await sendPart(exchange, partBytes, reading, limit))) this.#markBad(digest, "corrupt");
    } else if (sizeBytes <= CHECK_FIRST_MAX_BYTES) {
      const bytes = await readWhole(reading, limit);
      if (sha256Digest(bytes) === digest) {
        this.#import.onLayerSent?.(digest, sizeBytes);
        exchange.answer(200, headers, bytes);
      } else this.#refuse(exchange, digest, "corrupt");
    } else {
      this.#import.onLayerSent?.(digest, sizeBytes);
      exchange.begin(200, { ...headers, "content-length": sizeBytes });
      if (!(await sendWhole(exchange, digest, reading, limit))) this.#markBad(digest, "corrupt");
    }
  }

  #refuse(exchange: Exchange, digest: Digest, reason: BadLayerReason): void {
    this.#markBad(digest, reason);
    exchange.notFound();
  }

  #markBad(digest: Digest, reason: BadLayerReason): void {
    if (this.#bad.has(digest)) return;
    this.#bad.add(digest);
    this.#import.onBadLayer(digest, reason);
  }
}

const digestHeaders = (digest: Digest): AnswerHeaders => ({
  "content-type": "application/octet-stream",
  "docker-content-digest": digest,
  etag: `"${digest}"`,
});

const layerHeaders = (digest: Digest): AnswerHeaders => ({ ...digestHeaders(digest), "accept-ranges": "bytes" });
