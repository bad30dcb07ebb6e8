/** Metrics of write-behind exports. */
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";

export const EXPORT_RESULTS = [
  "published",
  /** Every step was cached, and its cache was exported before. */
  "unchanged",
  "build_failed",
  /** Another job of the builder exports the same. */
  "duplicate",
  /** Too many jobs on the builder. */
  "refused",
  /** The builder had not loaded it when the client's build had to go on. */
  "not_pinned",
  /** What came was incomplete. */
  "rejected",
  "failed",
  "timed_out",
  /** MemoBuild stopped. */
  "stopped",
] as const;
export type ExportResult = (typeof EXPORT_RESULTS)[number];

const HOLD_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const LAG_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640];

export class WriteBehindMetrics {
  readonly #exports: Counter<"result">;
  readonly #jobs: Gauge;
  readonly #hold: Histogram;
  readonly #lag: Histogram;
  readonly #bytes: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#exports = new Counter({
      name: "memobuild_cache_exports_total",
      help: "Exports behind builds, by what became of them.",
      labelNames: ["result"],
      registers,
    });
    for (const result of EXPORT_RESULTS) this.#exports.inc({ result }, 0);
    this.#jobs = new Gauge({
      name: "memobuild_cache_export_jobs",
      help: "Builds whose results are pinned for an export or that are being exported.",
      registers,
    });
    this.#hold = new Histogram({
      name: "memobuild_cache_export_hold_seconds",
      help: "Time for which the end of a build was held until its results were pinned.",
      buckets: HOLD_BUCKETS,
      registers,
    });
    this.#lag = new Histogram({
      name: "memobuild_cache_export_lag_seconds",
      help: "Time from the client's answer to the complete export.",
      buckets: LAG_BUCKETS,
      registers,
    });
    this.#bytes = new Counter({
      name: "memobuild_cache_export_bytes_total",
      help: "Size of the layers in complete exports; what the cache had already was not sent again.",
      registers,
    });
  }

  ended(result: ExportResult): void {
    this.#exports.inc({ result });
  }

  jobs(change: 1 | -1): void {
    this.#jobs.inc(change);
  }

  held(ms: number): void {
    this.#hold.observe(ms / 1000);
  }

  published(lagMs: number, layerBytes: number): void {
    this.#lag.observe(lagMs / 1000);
    this.#bytes.inc(layerBytes);
  }
}
