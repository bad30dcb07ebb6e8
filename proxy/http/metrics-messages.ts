/** The JSON of MemoBuild's metrics: the figures of `/metrics`, for those who do not read Prometheus' text. */
import { z } from "zod";

export interface MetricSample {
  /** Of a histogram, with `_bucket`, `_sum` or `_count`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricFamily {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary";
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricsReport {
  /** Those of MemoBuild itself; without those of the Node process. */
  readonly metrics: readonly MetricFamily[];
}

export const metricsReport: z.ZodType<MetricsReport> = z.object({
  metrics: z.array(
    z.object({
      name: z.string(),
      type: z.enum(["counter", "gauge", "histogram", "summary"]),
      help: z.string(),
      samples: z.array(z.object({ name: z.string(), labels: z.record(z.string(), z.string()), value: z.number() })),
    }),
  ),
});
