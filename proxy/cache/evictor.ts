/** Removes exports from the index, and blobs that nothing needs from index and store. */
import type { Logger } from "../log/create-logger.js";
import type { BlobHolds, Release } from "./blob-holds.js";
import type { BlobStore } from "./blob-store.js";
import type { CacheIndex, EvictionReason, ExportSummary, IndexedBlob } from "./cache-index.js";
import { EvictionPlan } from "./eviction-order.js";
import type { RetentionMetrics } from "./retention-metrics.js";
import type { WorkSlices } from "./work-slices.js";

const PAGE_EXPORTS = 32;
/** References that one step reads or removes: some milliseconds of work. */
const STEP_REFERENCES = 300;
/** Blobs that one step removes from the index, and files that are deleted at the same time. */
const STEP_BLOBS = 100;
const DELETES_AT_ONCE = 16;

export interface EvictorParts {
  readonly index: CacheIndex;
  readonly store: BlobStore;
  readonly holds: BlobHolds;
  readonly metrics: RetentionMetrics;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of exports that are gone. */
  readonly onEvicted?: (exports: readonly ExportSummary[], reason: EvictionReason) => void;
}

export interface EvictionGoal {
  /** Exports last used at this time or later stay. */
  readonly usedBeforeMs?: number;
  /** Only of projects that contain this text. */
  readonly project?: string;
  readonly bytesToFree: number;
  /** Whether exports in use stay; else they go in their turn, and their blobs when nobody holds them any more. */
  readonly keepsInUse: boolean;
  readonly reason: EvictionReason;
  readonly isDryRun: boolean;
}

export interface Evicted {
  readonly exports: readonly ExportSummary[];
  /** Blobs that only these exports needed. */
  readonly blobs: number;
  readonly bytes: number;
}

export interface Swept {
  readonly blobs: number;
  readonly bytes: number;
}

export class Evictor {
  readonly #parts: EvictorParts;

  constructor(parts: EvictorParts) {
    this.#parts = parts;
  }

  /** Least recently used exports first, until so many bytes can be swept; never pinned ones. */
  async evict(goal: EvictionGoal, slices: WorkSlices, signal: AbortSignal): Promise<Evicted> {
    const { index, holds } = this.#parts;
    const plan = new EvictionPlan({ ...goal, isHeld: (digest) => holds.isHeld(digest) });
    const gone: ExportSummary[] = [];
    const query = goal.usedBeforeMs === undefined ? {} : { usedBeforeMs: goal.usedBeforeMs };
    let offset = 0;
    while (!plan.isDone) {
      const page = await index.exports({ ...query, order: "oldest-use", isPinned: false, limit: PAGE_EXPORTS, offset });
      if (page.length === 0) break;
      for (const step of stepsOf(page)) {
        const chosen = await this.#choose(step, goal, plan);
        await slices.breathe();
        if (!goal.isDryRun && chosen.length > 0) await this.#remove(chosen, goal.reason, plan);
        gone.push(...chosen);
        offset += step.length - (goal.isDryRun ? 0 : chosen.length);
        await slices.breathe();
        signal.throwIfAborted();
      }
    }
    return { exports: gone, blobs: plan.freedBlobs, bytes: plan.freedBytes };
  }

  /** Deletes blobs that no export needs, stored before `storedBeforeMs`, and that nobody holds. */
  async sweep(storedBeforeMs: number, reason: EvictionReason, slices: WorkSlices, signal: AbortSignal): Promise<Swept> {
    const { index, holds } = this.#parts;
    let blobs = 0;
    let bytes = 0;
    let heldBlobs = 0;
    for (;;) {
      const found = await index.unreferencedBlobs(storedBeforeMs, STEP_BLOBS, heldBlobs);
      if (found.length === 0) return { blobs, bytes };
      const condemned = new Map<IndexedBlob, Release>();
      for (const blob of found) {
        const release = holds.condemn(blob.digest);
        if (release !== undefined) condemned.set(blob, release);
      }
      heldBlobs += found.length - condemned.size;
      const deleted = await this.#delete(condemned, reason);
      blobs += deleted.blobs;
      bytes += deleted.bytes;
      await slices.breathe();
      signal.throwIfAborted();
    }
  }

  /** What a sweep would delete now. */
  async sweepable(slices: WorkSlices, signal: AbortSignal): Promise<Swept> {
    const { index, holds, now } = this.#parts;
    let blobs = 0;
    let bytes = 0;
    for (let offset = 0; ; offset += STEP_BLOBS) {
      const found = await index.unreferencedBlobs(now() + 1, STEP_BLOBS, offset);
      if (found.length === 0) return { blobs, bytes };
      for (const { digest, sizeBytes } of found) {
        if (holds.isHeld(digest)) continue;
        blobs += 1;
        bytes += sizeBytes;
      }
      await slices.breathe();
      signal.throwIfAborted();
    }
  }

  async #choose(step: readonly ExportSummary[], goal: EvictionGoal, plan: EvictionPlan): Promise<ExportSummary[]> {
    const references = await this.#parts.index.references(step.map(({ id }) => id));
    return step.filter((one) => {
      const blobs = references.get(one.id);
      const isMeant = one.project.includes(goal.project ?? "") && blobs !== undefined;
      return isMeant && plan.choose({ isPinned: one.isPinned, blobs });
    });
  }

  async #remove(chosen: readonly ExportSummary[], reason: EvictionReason, plan: EvictionPlan): Promise<void> {
    const { index, metrics, now, onEvicted } = this.#parts;
    const atMs = now();
    const removed = await index.removeExports(
      chosen.map(({ id }) => id),
      { atMs, rule: reason },
    );
    onEvicted?.(chosen, reason);
    plan.removed();
    metrics.evictedExports(reason, removed, atMs - (chosen.at(-1)?.lastUsedAtMs ?? atMs));
  }

  /** First from the index: a file that nobody knows does no harm, an entry without its file does. */
  async #delete(condemned: ReadonlyMap<IndexedBlob, Release>, reason: EvictionReason): Promise<Swept> {
    const { index, store, metrics, logger } = this.#parts;
    let bytes = 0;
    try {
      const digests = [...condemned.keys()].map(({ digest }) => digest);
      const removed = digests.length === 0 ? [] : await index.removeUnreferencedBlobs(digests);
      for (let at = 0; at < removed.length; at += DELETES_AT_ONCE) {
        const deleting = removed.slice(at, at + DELETES_AT_ONCE).map(async (digest) => store.delete(digest));
        const failed = (await Promise.allSettled(deleting)).find((outcome) => outcome.status === "rejected");
        // Verification takes up or deletes what stays behind.
        if (failed !== undefined) logger.warn({ error: String(failed.reason) }, "cache blob could not be deleted");
      }
      const isRemoved = new Set(removed);
      for (const { digest, sizeBytes } of condemned.keys()) bytes += isRemoved.has(digest) ? sizeBytes : 0;
      metrics.evictedBlobs(reason, removed.length, bytes);
      return { blobs: removed.length, bytes };
    } finally {
      for (const release of condemned.values()) release();
    }
  }
}

/** Cuts a page so that each step has few references, however many a single export has. */
function stepsOf(page: readonly ExportSummary[]): ExportSummary[][] {
  const steps: ExportSummary[][] = [];
  let references = Infinity;
  for (const one of page) {
    references += one.blobCount;
    if (references > STEP_REFERENCES) {
      steps.push([]);
      references = one.blobCount;
    }
    steps.at(-1)?.push(one);
  }
  return steps;
}
