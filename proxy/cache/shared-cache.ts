/** The cache as builds see it: what each of them imports, and where it exports to. */
import type { Logger } from "../log/create-logger.js";
import type { BlobHolds, Release } from "./blob-holds.js";
import type { BlobStore } from "./blob-store.js";
import type { RunningBuild } from "./build-overlap.js";
import type { BuildIdentity, CacheIndex, CacheScope, ExportSummary } from "./cache-index.js";
import type { CacheRegistry } from "./cache-registry.js";
import type { Digest } from "./digest.js";
import { blobsOf, checkPlausible, ExportRejected, presentBlobs, readExport } from "./export-slot.js";
import type { CacheEntry, ExportedBuild, ExportSlot } from "./export-slot.js";
import { ImportMaker, type MadeImport } from "./import-maker.js";
import { rankExports } from "./import-rank.js";
import type { ImportMetrics, ImportResult } from "./import-metrics.js";

/** Earlier exports that are looked at for one import: of builds like it, pinned ones, and any of the project. */
const CANDIDATES = { alike: 24, pinned: 8, newest: 24 };
/** Their records together, in records of one import: what comes first holds nearly all that helps. */
const CANDIDATE_RECORDS_FACTOR = 4;
/** Of these it is recorded that they were used; what comes later hardly ever gives a record. */
const USED_MAX = 8;

export interface SharedCacheDeps {
  readonly store: BlobStore;
  readonly index: CacheIndex;
  readonly holds: BlobHolds;
  readonly registry: CacheRegistry;
  /** A blob may not be what it was: look into it. */
  readonly recheck: (digest: Digest) => Promise<void>;
  /** There is a new export. */
  readonly onPublished: () => void;
  readonly metrics: ImportMetrics;
  readonly logger: Logger;
  /** May change. */
  readonly maxRecords: number;
  /** BuildKit's name of the layers' compression. */
  readonly compression: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
}

/** What a build was given, and of which builds it was made. */
export interface ImportedBuilds {
  readonly result: ImportResult;
  /** Refs of builds, best first. */
  readonly from: readonly string[];
  readonly records: number;
}

/** Told of the import of one build. */
export interface ImportObserver {
  ended(imported: ImportedBuilds): void;
  /** The builder was sent a layer, as often as it asks. */
  fetched(layer: Digest, bytes: number): void;
}

const scopeKey = ({ tenant, project }: CacheScope): string => JSON.stringify([tenant, project]);
const buildKey = ({ tenant, project, dockerfile, target, platform }: BuildIdentity): string =>
  JSON.stringify([tenant, project, dockerfile, target, platform]);
const WITHOUT_TLS = { "registry.insecure": "true" };

export class SharedCache {
  readonly #deps: SharedCacheDeps;
  readonly #maker: ImportMaker;
  /** Scopes that had a bad layer: nothing of them is imported until there is a new export. */
  readonly #broken = new Set<string>();

  constructor(deps: SharedCacheDeps) {
    this.#deps = deps;
    this.#maker = new ImportMaker(() => deps.maxRecords);
  }

  /**
   * The import for a build, undefined where there is none; it is valid while the build and those beside it run. Never
   * rejects: without an import, a build is only slower.
   *
   * @param registry `host:port` under which the builder reaches the registry.
   */
  async importFor(
    identity: BuildIdentity,
    registry: string,
    build: RunningBuild,
    observer?: ImportObserver,
  ): Promise<CacheEntry | undefined> {
    const { logger, metrics, now } = this.#deps;
    const started = now();
    const end = (result: ImportResult, records: number, from: readonly string[] = []): void => {
      metrics.ended(result, now() - started, records);
      observer?.ended({ result, from, records });
    };
    if (this.#broken.has(scopeKey(identity))) {
      end("broken", 0);
      return undefined;
    }
    try {
      return await this.#import(identity, (made, from) => {
        const entry = made === undefined ? undefined : this.#offer(made, identity, registry, build, observer);
        if (entry === undefined) end("empty", 0);
        else end("injected", made?.recordCount ?? 0, from);
        return entry;
      });
    } catch (error) {
      logger.warn({ cause: error instanceof Error ? error.message : String(error) }, "cache not imported");
      end("failed", 0);
      return undefined;
    }
  }

  /** Whether nothing of the scope is imported until there is a new export. */
  isBroken(scope: CacheScope): boolean {
    return this.#broken.has(scopeKey(scope));
  }

  /**
   * Where one export goes.
   *
   * @param registry `host:port` under which the builder reaches the registry.
   */
  beginExport(registry: string): ExportSlot {
    const { compression, registry: server } = this.#deps;
    const grant = server.allowWrite();
    const attrs = {
      ref: `${registry}/${grant.repository}:export`,
      mode: "max",
      "oci-mediatypes": "true",
      "image-manifest": "true",
      compression,
      ...WITHOUT_TLS,
    };
    return {
      entry: { type: "registry", attrs },
      publish: async (build) => {
        try {
          const manifest = grant.manifest();
          if (manifest === undefined) throw new ExportRejected("no manifest came");
          return await this.#publish(build, manifest.bytes);
        } finally {
          grant.revoke();
        }
      },
      discard: () => {
        grant.revoke();
      },
    };
  }

  async #publish({ stepCount, ...build }: ExportedBuild, manifest: Buffer): Promise<ExportSummary> {
    const { index, onPublished, store, wallClock } = this.#deps;
    const graph = await readExport(manifest, store);
    checkPlausible(graph, stepCount);
    const blobs = blobsOf(graph);
    const { doubtful, present } = await presentBlobs(blobs, this.#deps);
    for (const digest of doubtful) void this.#recheck(digest);
    if (present.size < blobs.length)
      throw new ExportRejected(`${blobs.length - present.size} of its layers are missing`);
    const summary = await index.publish({ ...build, graph, createdAtMs: wallClock() });
    this.#broken.delete(scopeKey(build));
    onPublished();
    return summary;
  }

  /** Makes the import of the best of the earlier exports; their blobs are held while `use` takes what it needs. */
  async #import<T>(
    identity: BuildIdentity,
    use: (made: MadeImport | undefined, from: readonly string[]) => T,
  ): Promise<T> {
    const { holds, index } = this.#deps;
    const ranked = await this.#candidates(identity);
    const byId = await index.graphs(ranked.map(({ id }) => id));
    const graphs = ranked.flatMap(({ id }) => byId.get(id) ?? []);
    const blobs = blobsOf({ layers: graphs.flatMap(({ layers }) => layers), records: [] });
    const held = new Map<Digest, Release>();
    for (const { digest } of blobs) {
      const release = holds.hold(digest);
      if (release !== undefined) held.set(digest, release);
    }
    try {
      const { doubtful, present } = await presentBlobs(blobs, this.#deps);
      for (const digest of doubtful) void this.#recheck(digest);
      const unusable = blobs.map(({ digest }) => digest).filter((digest) => !present.has(digest) || !held.has(digest));
      const made = this.#maker.make(buildKey(identity), graphs, new Set(unusable));
      const used = ranked.slice(0, USED_MAX).map(({ id }) => id);
      if (made !== undefined) await this.#touch(used);
      return use(
        made,
        ranked.map(({ ref }) => ref),
      );
    } finally {
      for (const release of held.values()) release();
    }
  }

  /** Best first. */
  async #candidates(identity: BuildIdentity): Promise<readonly ExportSummary[]> {
    const { index, maxRecords } = this.#deps;
    const { dockerfile, platform, project, target, tenant } = identity;
    const query = { scope: { tenant, project }, order: "newest-export" } as const;
    const found = [
      ...(await index.exports({ ...query, like: { dockerfile, platform, target }, limit: CANDIDATES.alike })),
      ...(await index.exports({ ...query, isPinned: true, limit: CANDIDATES.pinned })),
      ...(await index.exports({ ...query, limit: CANDIDATES.newest })),
    ];
    const ranked = rankExports(identity, [...new Map(found.map((summary) => [summary.id, summary])).values()]);
    let records = 0;
    return ranked.filter(({ recordCount }, at) => {
      records += recordCount;
      return at === 0 || records <= maxRecords * CANDIDATE_RECORDS_FACTOR;
    });
  }

  /** A full disk, on which nothing can be recorded, is no reason to go without an import. */
  async #touch(used: readonly number[]): Promise<void> {
    const { index, logger, wallClock } = this.#deps;
    await index.touch(used, wallClock()).catch((error: unknown) => {
      const cause = error instanceof Error ? error.message : String(error);
      logger.warn({ cause }, "use of exports not recorded");
    });
  }

  #offer(
    made: MadeImport,
    identity: BuildIdentity,
    address: string,
    build: RunningBuild,
    observer: ImportObserver | undefined,
  ): CacheEntry | undefined {
    const { logger, metrics, registry } = this.#deps;
    const { config, layers, manifest } = made;
    const grant = registry.allowRead({
      manifest,
      config,
      layers,
      onLayerSent: (digest, bytes) => {
        observer?.fetched(digest, bytes);
      },
      onBadLayer: (digest, reason) => {
        this.#broken.add(scopeKey(identity));
        metrics.badLayer(reason);
        logger.warn({ digest, reason, project: identity.project }, "cached layer lost");
        void this.#recheck(digest);
      },
    });
    if (grant === undefined) return undefined;
    build.afterOverlap(() => {
      grant.revoke();
    });
    return {
      type: "registry",
      attrs: { ref: `${address}/${grant.repository}@${manifest.digest}`, ...WITHOUT_TLS },
    };
  }

  async #recheck(digest: Digest): Promise<void> {
    const { logger, recheck } = this.#deps;
    await recheck(digest).catch((error: unknown) => {
      logger.warn({ digest, cause: error instanceof Error ? error.message : String(error) }, "blob not checked");
    });
  }
}
