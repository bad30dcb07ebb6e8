/** What people may ask of the cache, answered by its parts. */
import type {
  CacheAdmin,
  CacheUsage,
  ListOptions,
  PruneOptions,
  PruneResult,
  VerifyProgress,
  VerifyResult,
} from "./cache-admin.js";
import type { CacheIndex, CacheProject, ExportSummary, Removal } from "./cache-index.js";
import type { Retention, StoreSpace } from "./retention.js";
import { verifyCache, type VerifyParts } from "./verify-cache.js";

const PAGE_EXPORTS = 100;

export interface CacheKeeperParts extends VerifyParts {
  readonly space: StoreSpace;
  readonly retention: Retention;
}

export class CacheKeeper implements CacheAdmin {
  readonly #parts: CacheKeeperParts;

  constructor(parts: CacheKeeperParts) {
    this.#parts = parts;
  }

  async list({ project, limit }: ListOptions): Promise<readonly ExportSummary[]> {
    const { index } = this.#parts;
    if (project === undefined) return index.exports({ limit });
    return exportsOfProject(index, project, limit);
  }

  async usage(): Promise<CacheUsage> {
    const { index, space } = this.#parts;
    const { storeBytes, softMaxBytes, hardMaxBytes, minFreeBytes } = space;
    const freeBytes = await space.freeBytes();
    return { ...(await index.totals()), storeBytes, softMaxBytes, hardMaxBytes, freeBytes, minFreeBytes };
  }

  projects(): Promise<readonly CacheProject[]> {
    return this.#parts.index.projects();
  }

  removals(limit: number): Promise<readonly Removal[]> {
    return this.#parts.index.removals(limit);
  }

  prune(options: PruneOptions, signal: AbortSignal): Promise<PruneResult> {
    return this.#parts.retention.prune(options, signal);
  }

  async setPinned(id: number, isPinned: boolean): Promise<ExportSummary | undefined> {
    const { index } = this.#parts;
    return (await index.setPinned(id, isPinned)) ? index.export(id) : undefined;
  }

  verify(onProgress: (progress: VerifyProgress) => void, signal: AbortSignal): Promise<VerifyResult> {
    return verifyCache(this.#parts, { isThorough: true, isGentle: false, onProgress }, signal);
  }
}

async function exportsOfProject(index: CacheIndex, project: string, limit: number): Promise<ExportSummary[]> {
  const found: ExportSummary[] = [];
  for (let offset = 0; found.length < limit; offset += PAGE_EXPORTS) {
    const page = await index.exports({ limit: PAGE_EXPORTS, offset });
    if (page.length === 0) break;
    found.push(...page.filter((one) => one.project.includes(project)));
  }
  return found.slice(0, limit);
}
