/** Metrics of imports. */
import { Counter, Histogram } from "prom-client";
import type { Registry } from "prom-client";

export const IMPORT_RESULTS = [
  "injected",
  /** Nothing that helps was exported yet. */
  "empty",
  /** A layer of the scope was lost; the next export ends that. */
  "broken",
  /** The builder does not reach the registry. */
  "unreachable",
  "failed",
] as const;
export type ImportResult = (typeof IMPORT_RESULTS)[number];

const BAD_LAYER_REASONS = ["missing", "corrupt"] as const;
const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export class ImportMetrics {
  readonly #imports: Counter<"result">;
  readonly #seconds: Histogram;
  readonly #records: Counter;
  readonly #badLayers: Counter<"reason">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#imports = new Counter({
      name: "memobuild_cache_imports_total",
      help: "Builds that could import the shared cache, by what they were given.",
      labelNames: ["result"],
      registers,
    });
    for (const result of IMPORT_RESULTS) this.#imports.inc({ result }, 0);
    this.#seconds = new Histogram({
      name: "memobuild_cache_import_seconds",
      help: "Time to find and write the import of a build, for which its request waits.",
      buckets: SECONDS_BUCKETS,
      registers,
    });
    this.#records = new Counter({
      name: "memobuild_cache_injected_records_total",
      help: "Cache records in imports.",
      registers,
    });
    this.#badLayers = new Counter({
      name: "memobuild_cache_bad_layers_total",
      help: "Layers that were lost or wrong when a builder asked for them.",
      labelNames: ["reason"],
      registers,
    });
    for (const reason of BAD_LAYER_REASONS) this.#badLayers.inc({ reason }, 0);
  }

  ended(result: ImportResult, ms: number, records: number): void {
    this.#imports.inc({ result });
    this.#seconds.observe(ms / 1000);
    this.#records.inc(records);
  }

  badLayer(reason: (typeof BAD_LAYER_REASONS)[number]): void {
    this.#badLayers.inc({ reason });
  }
}
