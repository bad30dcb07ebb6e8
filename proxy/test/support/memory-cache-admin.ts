/** A CacheAdmin over a few exports in memory that share no blobs, each of one blob; it prunes and verifies for real. */
import type {
  CacheAdmin,
  CacheUsage,
  ListOptions,
  PruneOptions,
  PruneResult,
  VerifyProgress,
  VerifyResult,
} from "../../cache/cache-admin.js";
import type { CacheProject, ExportSummary, Removal } from "../../cache/cache-index.js";

export const DISK_BYTES = 100_000_000_000;
export const SOFT_MAX_BYTES = 20_000_000_000;
const MIN_FREE_BYTES = 1_000_000_000;

export class MemoryCacheAdmin implements CacheAdmin {
  readonly #exports = new Map<number, ExportSummary>();
  readonly #corrupt = new Set<number>();
  readonly #removals: Removal[] = [];
  readonly #now: () => number;
  /** Waited for between two blobs of a verification, and before a prune. */
  step: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add(summary: Partial<ExportSummary> = {}): ExportSummary {
    const id = this.#exports.size + 1;
    const added: ExportSummary = {
      id,
      tenant: "default",
      project: "github.com/acme/shop",
      dockerfile: "Dockerfile",
      target: "",
      platform: "",
      revision: "0123456789abcdef0123456789abcdef01234567",
      builder: "unix:///run/buildkit/buildkitd.sock",
      ref: "ref",
      createdAtMs: this.#now(),
      lastUsedAtMs: this.#now(),
      hits: 0,
      isPinned: false,
      sizeBytes: 1_000_000_000,
      recordCount: 12,
      resultCount: 10,
      blobCount: 1,
      ...summary,
    };
    this.#exports.set(added.id, added);
    return added;
  }

  corrupt(id: number): void {
    this.#corrupt.add(id);
  }

  ids(): number[] {
    return [...this.#exports.keys()];
  }

  #newestUseFirst(project = ""): ExportSummary[] {
    return [...this.#exports.values()]
      .filter((summary) => summary.project.includes(project))
      .sort((one, other) => other.lastUsedAtMs - one.lastUsedAtMs);
  }

  list({ project, limit }: ListOptions): Promise<readonly ExportSummary[]> {
    return Promise.resolve(this.#newestUseFirst(project).slice(0, limit));
  }

  #storeBytes(): number {
    return this.#newestUseFirst().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  usage(): Promise<CacheUsage> {
    const all = this.#newestUseFirst();
    const storeBytes = this.#storeBytes();
    return Promise.resolve({
      exports: all.length,
      pinnedExports: all.filter(({ isPinned }) => isPinned).length,
      records: all.reduce((sum, { recordCount }) => sum + recordCount, 0),
      blobs: all.length,
      blobBytes: storeBytes,
      unreferencedBytes: 0,
      storeBytes,
      softMaxBytes: SOFT_MAX_BYTES,
      hardMaxBytes: 1.25 * SOFT_MAX_BYTES,
      freeBytes: DISK_BYTES - storeBytes,
      minFreeBytes: MIN_FREE_BYTES,
    });
  }

  projects(): Promise<readonly CacheProject[]> {
    const all = this.#newestUseFirst();
    const projects = [...new Set(all.map(({ project }) => project))].map((project) => {
      const own = all.filter((summary) => summary.project === project);
      return {
        project,
        exports: own.length,
        pinnedExports: own.filter(({ isPinned }) => isPinned).length,
        sizeBytes: own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        lastUsedAtMs: Math.max(...own.map(({ lastUsedAtMs }) => lastUsedAtMs)),
        hits: own.reduce((sum, { hits }) => sum + hits, 0),
      };
    });
    return Promise.resolve(projects.sort((one, other) => other.sizeBytes - one.sizeBytes));
  }

  removals(limit: number): Promise<readonly Removal[]> {
    return Promise.resolve(this.#removals.slice(0, limit));
  }

  async prune(options: PruneOptions, signal: AbortSignal): Promise<PruneResult> {
    await this.step(signal);
    const { unusedForMs = 0, project, keepBytes, minFreeBytes, isDryRun } = options;
    let storeBytes = this.#storeBytes();
    const isEnough = (): boolean =>
      (keepBytes !== undefined || minFreeBytes !== undefined) &&
      storeBytes <= (keepBytes ?? Infinity) &&
      DISK_BYTES - storeBytes >= (minFreeBytes ?? 0);
    const gone: ExportSummary[] = [];
    for (const summary of this.#newestUseFirst(project).reverse()) {
      if (isEnough()) break;
      if (summary.isPinned || this.#now() - summary.lastUsedAtMs < unusedForMs) continue;
      storeBytes -= summary.sizeBytes;
      gone.push(summary);
    }
    if (isDryRun !== true) {
      for (const { id, project, dockerfile, target, platform, ref, createdAtMs, lastUsedAtMs, sizeBytes } of gone) {
        const removed = { project, dockerfile, target, platform, ref, createdAtMs, lastUsedAtMs, sizeBytes };
        this.#exports.delete(id);
        this.#removals.unshift({ ...removed, rule: "prune", atMs: this.#now() });
      }
    }
    return { exports: gone, blobs: gone.length, bytes: gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  setPinned(id: number, isPinned: boolean): Promise<ExportSummary | undefined> {
    const found = this.#exports.get(id);
    if (found === undefined) return Promise.resolve(undefined);
    const changed = { ...found, isPinned };
    this.#exports.set(id, changed);
    return Promise.resolve(changed);
  }

  async verify(onProgress: (progress: VerifyProgress) => void, signal: AbortSignal): Promise<VerifyResult> {
    let progress = { checkedBlobs: 0, checkedBytes: 0, totalBlobs: this.#exports.size };
    const bad = [...this.#corrupt];
    for (const { sizeBytes } of [...this.#exports.values()]) {
      await this.step(signal);
      signal.throwIfAborted();
      const { checkedBlobs, checkedBytes } = progress;
      progress = { ...progress, checkedBlobs: checkedBlobs + 1, checkedBytes: checkedBytes + sizeBytes };
      onProgress(progress);
    }
    for (const id of bad) this.#exports.delete(id);
    this.#corrupt.clear();
    return { ...progress, missing: 0, corrupt: bad.length, adopted: 0 };
  }
}
