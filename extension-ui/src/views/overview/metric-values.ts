/** Reads single figures out of MemoBuild's metrics, which are those of `/metrics`. */
import type { MetricsReport } from "../../api/openapi.js";

export type Metrics = MetricsReport["metrics"];
type Sample = Metrics[number]["samples"][number];
type Labels = Readonly<Record<string, string>>;

const samplesOf = (metrics: Metrics, name: string): readonly Sample[] =>
  metrics.find((family) => family.name === name)?.samples.filter((sample) => sample.name === name) ?? [];

const matches = (sample: Sample, labels: Labels): boolean =>
  Object.entries(labels).every(([key, value]) => sample.labels[key] === value);

/** The first sample with these labels; undefined where there is none. */
export const valueOf = (metrics: Metrics, name: string, labels: Labels = {}): number | undefined =>
  samplesOf(metrics, name).find((sample) => matches(sample, labels))?.value;

export interface Gauges {
  readonly running: number;
  readonly waiting: number;
  readonly exporting: number;
  /** By state, those without a builder left out. */
  readonly builders: readonly (readonly [state: string, count: number])[];
  /** Undefined where the shared cache is off. */
  readonly cache: { readonly usedBytes: number; readonly maxBytes: number } | undefined;
  /** A client has called since MemoBuild started. */
  readonly hadClient: boolean;
}

const CLIENT_SERVICES = "moby.buildkit.v1";

export function gaugesOf(metrics: Metrics): Gauges {
  const usedBytes = valueOf(metrics, "memobuild_cache_store_bytes");
  const maxBytes = valueOf(metrics, "memobuild_cache_limit_bytes", { kind: "soft" });
  const builders = samplesOf(metrics, "memobuild_builders").map(({ labels, value }): readonly [string, number] => [
    labels["state"] ?? "",
    value,
  ]);
  return {
    running: valueOf(metrics, "memobuild_builds_running") ?? 0,
    waiting: valueOf(metrics, "memobuild_queue_waiting") ?? 0,
    exporting: valueOf(metrics, "memobuild_cache_export_jobs") ?? 0,
    builders: builders.filter(([, count]) => count > 0),
    cache: usedBytes === undefined || maxBytes === undefined ? undefined : { usedBytes, maxBytes },
    hadClient: samplesOf(metrics, "memobuild_relay_calls_total").some(
      ({ labels, value }) => value > 0 && labels["service"]?.startsWith(CLIENT_SERVICES) === true,
    ),
  };
}
