/** Metrics of what the cache holds, and of what it let go. */
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { EVICTION_REASONS, type EvictionReason, type IndexTotals } from "./cache-index.js";

export const QUARANTINE_REASONS = ["missing", "corrupt"] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

const LIMIT_KINDS = ["soft", "hard", "min_free"] as const;

export interface CacheLevels {
  readonly storeBytes: number;
  readonly softMaxBytes: number;
  readonly hardMaxBytes: number;
  readonly minFreeBytes: number;
}

export interface RetentionMetricsOptions {
  readonly registry: Registry;
  readonly levels: CacheLevels;
  readonly totals: () => Promise<IndexTotals>;
}

export class RetentionMetrics {
  readonly #exports: Counter<"reason">;
  readonly #blobs: Counter<"reason">;
  readonly #bytes: Counter<"reason">;
  readonly #quarantined: Counter<"reason">;
  readonly #lastAge: Gauge;

  constructor({ registry, levels, totals }: RetentionMetricsOptions) {
    const counter = (what: string, help: string): Counter<"reason"> =>
      new Counter({ name: `memobuild_cache_${what}_total`, help, labelNames: ["reason"], registers: [registry] });
    this.#exports = counter("evicted_exports", "Exports that were removed.");
    this.#blobs = counter("evicted_blobs", "Blobs that were removed because no export needed them any more.");
    this.#bytes = counter("evicted_bytes", "Bytes of the blobs that were removed.");
    this.#quarantined = counter("quarantined_blobs", "Blobs that were dropped because they were lost or bad.");
    this.#lastAge = new Gauge({
      name: "memobuild_cache_last_eviction_age_seconds",
      help: "How long the export that was removed last had not been used; short means that the cache is too small.",
      registers: [registry],
    });
    for (const reason of EVICTION_REASONS) {
      for (const evicted of [this.#exports, this.#blobs, this.#bytes]) evicted.inc({ reason }, 0);
    }
    for (const reason of QUARANTINE_REASONS) this.#quarantined.inc({ reason }, 0);
    addLevels(registry, levels);
    addTotals(registry, totals);
  }

  evictedExports(reason: EvictionReason, count: number, lastAgeMs: number): void {
    this.#exports.inc({ reason }, count);
    this.#lastAge.set(lastAgeMs / 1000);
  }

  evictedBlobs(reason: EvictionReason, count: number, bytes: number): void {
    this.#blobs.inc({ reason }, count);
    this.#bytes.inc({ reason }, bytes);
  }

  quarantined(reason: QuarantineReason): void {
    this.#quarantined.inc({ reason });
  }
}

function addLevels(registry: Registry, levels: CacheLevels): void {
  new Gauge({
    name: "memobuild_cache_store_bytes",
    help: "Bytes of the blobs that are stored.",
    registers: [registry],
    collect() {
      this.set(levels.storeBytes);
    },
  });
  new Gauge({
    name: "memobuild_cache_limit_bytes",
    help: "What the cache shrinks to, what it never exceeds, and what it leaves free on the disk.",
    labelNames: ["kind"],
    registers: [registry],
    collect() {
      const limits = { soft: levels.softMaxBytes, hard: levels.hardMaxBytes, min_free: levels.minFreeBytes };
      for (const kind of LIMIT_KINDS) this.set({ kind }, limits[kind]);
    },
  });
}

function addTotals(registry: Registry, totals: () => Promise<IndexTotals>): void {
  const gauge = (what: "exports" | "records" | "blobs", help: string): void => {
    new Gauge({
      name: `memobuild_cache_${what}`,
      help,
      registers: [registry],
      async collect() {
        // An index that fails must not take the other metrics along: the last value stays.
        const known = await totals().catch(() => undefined);
        if (known !== undefined) this.set(known[what]);
      },
    });
  };
  gauge("exports", "Exports in the index.");
  gauge("records", "Records of the exports in the index.");
  gauge("blobs", "Blobs in the index.");
}
