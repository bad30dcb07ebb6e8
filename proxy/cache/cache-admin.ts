/** What people may ask of the cache: the API and the CLI speak to this. */
import type { CacheProject, ExportSummary, IndexTotals, Removal } from "./cache-index.js";

export interface CacheUsage extends IndexTotals {
  /** Bytes of the store's blobs. */
  readonly storeBytes: number;
  /** `--cache-max-bytes`. */
  readonly softMaxBytes: number;
  /** Puts are refused above. */
  readonly hardMaxBytes: number;
  /** Of the file system. */
  readonly freeBytes: number;
  readonly minFreeBytes: number;
}

export interface ListOptions {
  /** Only of projects that contain this text. */
  readonly project?: string;
  readonly limit: number;
}

export interface PruneOptions {
  /** Only exports not used for this long. */
  readonly unusedForMs?: number;
  /** Only of projects that contain this text. */
  readonly project?: string;
  /** Stop when the store is no larger; without it, all that matches goes. */
  readonly keepBytes?: number;
  /** Stop when this much of the file system is free. */
  readonly minFreeBytes?: number;
  /** Say what would go. */
  readonly isDryRun?: boolean;
}

export interface PruneResult {
  /** Pinned exports and those in use stay. */
  readonly exports: readonly ExportSummary[];
  readonly blobs: number;
  readonly bytes: number;
}

export interface VerifyProgress {
  readonly checkedBlobs: number;
  readonly checkedBytes: number;
  readonly totalBlobs: number;
}

export interface VerifyResult extends VerifyProgress {
  /** In the index, not in the store: results that needed them were dropped. */
  readonly missing: number;
  /** Bytes do not have the digest: deleted, results that needed them were dropped. */
  readonly corrupt: number;
  /** In the store, not in the index: taken up as not referred to. */
  readonly adopted: number;
}

export interface CacheAdmin {
  list(options: ListOptions): Promise<readonly ExportSummary[]>;
  usage(): Promise<CacheUsage>;
  /** Largest first. */
  projects(): Promise<readonly CacheProject[]>;
  /** Exports that were removed, latest first; only so many are remembered. */
  removals(limit: number): Promise<readonly Removal[]>;
  prune(options: PruneOptions, signal: AbortSignal): Promise<PruneResult>;
  /** Undefined where there is no such export. */
  setPinned(id: number, isPinned: boolean): Promise<ExportSummary | undefined>;
  /** Reads every blob, and heals what disagrees. */
  verify(onProgress: (progress: VerifyProgress) => void, signal: AbortSignal): Promise<VerifyResult>;
}
