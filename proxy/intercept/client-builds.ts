/** What is known of the builds of one client connection, and what the parts that look into them need. */
import type { BuildMessages, CacheOptionsEntry } from "../buildkit/build-messages.js";
import type { ReadDefinition } from "../buildkit/definition.js";
import { identifyBuild } from "../cache/build-identity.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { BuildOverlap } from "../cache/build-overlap.js";
import type { ImportMetrics } from "../cache/import-metrics.js";
import type { SharedCache } from "../cache/shared-cache.js";
import type { Builder } from "../farm/builder.js";
import type { WriteBehind } from "../writeback/write-behind.js";
import type { BuildProgress } from "./build-progress.js";
import type { ExportedBuilds } from "./exported-builds.js";
import type { Guard } from "./guard.js";
import type { TrackedBuild } from "./tracked-build.js";

export interface InterceptDeps {
  readonly builder: Builder;
  readonly cache: SharedCache;
  /** Undefined where builds add nothing to the cache. */
  readonly writeBehind: WriteBehind | undefined;
  /** `host:port` under which the builder reaches the cache registry; undefined where it does not. */
  readonly registryAddress: () => Promise<string | undefined>;
  readonly overlap: BuildOverlap;
  readonly exported: ExportedBuilds;
  readonly messages: BuildMessages;
  readonly readDefinition: ReadDefinition;
  readonly importMetrics: ImportMetrics;
  readonly guard: Guard;
}

export class ClientBuilds {
  readonly deps: InterceptDeps;
  /** By ref, while they run. */
  readonly builds: Map<string, TrackedBuild> = new Map();
  /** By ref of the build, which may come later. */
  readonly progress: Map<string, BuildProgress> = new Map();
  /** Of each session: folder of the context and client. */
  readonly sharedKeys: Map<string, string> = new Map();

  constructor(deps: InterceptDeps) {
    this.deps = deps;
  }

  /**
   * The import for a build, found once.
   *
   * @param options of its frontend.
   */
  importFor(build: TrackedBuild, options: Readonly<Record<string, string>>): Promise<CacheOptionsEntry | undefined> {
    const identity = identifyBuild({ options, sharedKey: this.sharedKeys.get(build.request.session) ?? "" });
    build.identity ??= identity;
    build.import ??= this.#findImport(build, build.identity);
    return build.import;
  }

  /** `host:port` under which the builder of this build reaches the registry; the same as long as it runs. */
  registryFor(build: TrackedBuild): Promise<string | undefined> {
    build.registry ??= this.deps.registryAddress();
    return build.registry;
  }

  async #findImport(build: TrackedBuild, identity: BuildIdentity): Promise<CacheOptionsEntry | undefined> {
    const { cache, importMetrics } = this.deps;
    const registry = await this.registryFor(build);
    if (registry !== undefined) return cache.importFor(identity, registry, build.running);
    importMetrics.ended("unreachable", 0, 0);
    return undefined;
  }
}
