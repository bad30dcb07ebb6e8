/** Builds whose cache is complete in their project: when all their steps are cached, there is nothing new to export. */
import { LRUCache } from "lru-cache";
import type { Definition } from "../buildkit/definition.js";
import type { CacheIndex, CacheScope, ExportSummary } from "../cache/cache-index.js";

/** Builders times different builds; one that is forgotten is exported once more. */
const BUILDS_MAX = 10_000;

/** Kept in memory only: after a restart, each build is exported once more. */
export class ExportedBuilds {
  readonly #index: Pick<CacheIndex, "export">;
  readonly #exports = new LRUCache<string, ExportSummary>({ max: BUILDS_MAX });

  constructor(index: Pick<CacheIndex, "export">) {
    this.#index = index;
  }

  /** Whether the export of the build is there, and has all that it had. */
  async has(builder: string, scope: CacheScope, definitions: readonly Definition[]): Promise<boolean> {
    const exported = this.#exports.get(keyOf(builder, scope, definitions));
    const found = exported === undefined ? undefined : await this.#index.export(exported.id);
    return exported !== undefined && found !== undefined && found.resultCount >= exported.resultCount;
  }

  add(builder: string, scope: CacheScope, definitions: readonly Definition[], exported: ExportSummary): void {
    this.#exports.set(keyOf(builder, scope, definitions), exported);
  }

  /** Something new was built. */
  remove(builder: string, scope: CacheScope, definitions: readonly Definition[]): void {
    this.#exports.delete(keyOf(builder, scope, definitions));
  }
}

const keyOf = (builder: string, { tenant, project }: CacheScope, definitions: readonly Definition[]): string =>
  [builder, tenant, project, ...definitions.map(({ stableDigest }) => stableDigest)].join("\n");
