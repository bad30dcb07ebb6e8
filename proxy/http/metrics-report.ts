/** What `/metrics` shows of MemoBuild, as JSON. */
import type { Registry } from "prom-client";
import { z } from "zod";
import type { MetricFamily, MetricsReport } from "./metrics-messages.js";

/** Our own; those of the Node process begin with something else. */
const OWN = "memobuild_";

/** As the library has them, whose types call the type a number. */
const FAMILY = z.object({
  name: z.string(),
  help: z.string(),
  type: z.enum(["counter", "gauge", "histogram", "summary"]),
  values: z.array(
    z.object({
      /** Where it is not that of the family. */
      metricName: z.string().optional(),
      labels: z.record(z.string(), z.union([z.string(), z.number()])),
      value: z.unknown(),
    }),
  ),
});

export async function reportMetrics(registry: Registry): Promise<MetricsReport> {
  const all = await registry.getMetricsAsJSON();
  return { metrics: all.filter(({ name }) => name.startsWith(OWN)).map(familyOf) };
}

function familyOf(metric: unknown): MetricFamily {
  const { help, name, type, values } = FAMILY.parse(metric);
  const samples = values.flatMap(({ labels, metricName = name, value }) => {
    // JSON has no other numbers.
    if (typeof value !== "number" || !Number.isFinite(value)) return [];
    const texts = Object.entries(labels).map(([label, text]) => [label, String(text)] as const);
    return [{ name: metricName, labels: Object.fromEntries(texts), value }];
  });
  return { name, type, help, samples };
}
