/** What is known of the builds of one client connection, and what the parts that look into them need. */
import { randomBytes } from "node:crypto";
import type { BuildRecorder } from "../builds/build-recorder.js";
import type { BuildMessages, CacheOptionsEntry, SolveRequest } from "../buildkit/build-messages.js";
import type { ReadDefinition } from "../buildkit/definition.js";
import { identifyBuild } from "../cache/build-identity.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import type { BuildOverlap } from "../cache/build-overlap.js";
import type { ImportMetrics } from "../cache/import-metrics.js";
import type { ImportedBuilds, SharedCache } from "../cache/shared-cache.js";
import type { Builder } from "../farm/builder.js";
import type { WriteBehind } from "../writeback/write-behind.js";
import type { BuildProgress } from "./build-progress.js";
import type { ExportedBuilds } from "./exported-builds.js";
import type { Guard } from "./guard.js";
import type { TrackedBuild } from "./tracked-build.js";

export interface InterceptDeps {
  /** Undefined where the cache is off. */
  readonly sharing: Sharing | undefined;
  readonly recorder: Pick<BuildRecorder, "begin">;
  /** For hashes of files' contents. */
  readonly hashKey: Buffer;
  readonly messages: BuildMessages;
  readonly readDefinition: ReadDefinition;
  readonly guard: Guard;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** What builds get from the shared cache, and give to it. */
export interface Sharing {
  readonly cache: SharedCache;
  /** Undefined where builds add nothing to the cache. */
  readonly writeBehind: WriteBehind | undefined;
  /** `host:port` under which the builder reaches the cache registry; undefined where it does not. */
  readonly registryAddress: (builder: Builder) => Promise<string | undefined>;
  /** Whether the builder can import or export cache at all. */
  readonly canImport: (builder: Builder) => boolean;
  readonly canExport: (builder: Builder) => boolean;
  readonly overlap: BuildOverlap;
  readonly exported: ExportedBuilds;
  readonly importMetrics: ImportMetrics;
}

/** One client process is one connection; all its builds are one group. */
const GROUP_BYTES = 8;

export class ClientBuilds {
  readonly deps: InterceptDeps;
  readonly group: string = randomBytes(GROUP_BYTES).toString("hex");
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
    build.identity ??= this.identify(build.request, options);
    build.record?.solving(build.identity, options);
    build.import ??= this.#findImport(build, build.identity);
    return build.import;
  }

  identify(request: SolveRequest, options: Readonly<Record<string, string>>): BuildIdentity {
    return identifyBuild({ options, sharedKey: this.sharedKeys.get(request.session) ?? "" });
  }

  /** Runs `work`, for which a message of the build's waits. */
  async timed<T>(build: TrackedBuild, work: () => Promise<T>): Promise<T> {
    const { now } = this.deps;
    const started = now();
    try {
      return await work();
    } finally {
      build.record?.held(now() - started);
    }
  }

  /** `host:port` under which the builder of this build reaches the registry; the same as long as it runs. */
  registryFor(build: TrackedBuild): Promise<string | undefined> {
    build.registry ??= this.deps.sharing?.registryAddress(build.builder) ?? Promise.resolve(undefined);
    return build.registry;
  }

  async #findImport(build: TrackedBuild, identity: BuildIdentity): Promise<CacheOptionsEntry | undefined> {
    const { sharing } = this.deps;
    if (sharing === undefined || !sharing.canImport(build.builder)) return undefined;
    const { record, running } = build;
    const observer = {
      ended: (made: ImportedBuilds) => {
        record?.imported(made);
      },
      fetched: (layer: string, bytes: number) => {
        record?.fetched(layer, bytes);
      },
    };
    const registry = await this.registryFor(build);
    if (registry !== undefined && running !== undefined)
      return sharing.cache.importFor(identity, registry, running, observer);
    sharing.importMetrics.ended("unreachable", 0, 0);
    record?.imported({ result: "unreachable", from: [], records: 0 });
    return undefined;
  }
}
