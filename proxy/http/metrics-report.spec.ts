/** The metrics as JSON say what the text of `/metrics` says. */
import { expect } from "chai";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { metricsReport } from "./metrics-messages.js";
import { reportMetrics } from "./metrics-report.js";

describe("reportMetrics", () => {
  let registry: Registry;

  beforeEach(() => {
    registry = new Registry();
  });

  it("has each sample of our own metrics, as it is now", async () => {
    const registers = [registry];
    const help = "What it is.";
    const counter = new Counter({ name: "memobuild_a_total", help, labelNames: ["result", "n"], registers });
    counter.inc({ result: "ok", n: 3 }, 5);
    new Histogram({ name: "memobuild_b_seconds", help, buckets: [0.5], registers }).observe(0.2);
    new Gauge({ name: "memobuild_c", help, registers, collect() { this.set(7); } }); // prettier-ignore
    new Gauge({ name: "process_d", help, registers });

    const report = await reportMetrics(registry);

    expect(metricsReport.parse(JSON.parse(JSON.stringify(report)))).to.deep.equal(report);
    expect(report.metrics).to.deep.equal([
      {
        ...{ name: "memobuild_a_total", type: "counter", help },
        samples: [{ name: "memobuild_a_total", labels: { result: "ok", n: "3" }, value: 5 }],
      },
      {
        ...{ name: "memobuild_b_seconds", type: "histogram", help },
        samples: [
          { name: "memobuild_b_seconds_bucket", labels: { le: "0.5" }, value: 1 },
          { name: "memobuild_b_seconds_bucket", labels: { le: "+Inf" }, value: 1 },
          { name: "memobuild_b_seconds_sum", labels: {}, value: 0.2 },
          { name: "memobuild_b_seconds_count", labels: {}, value: 1 },
        ],
      },
      { name: "memobuild_c", type: "gauge", help, samples: [{ name: "memobuild_c", labels: {}, value: 7 }] },
    ]);
  });

  it("leaves out what is no number in JSON", async () => {
    const gauge = new Gauge({ name: "memobuild_e", help: "e", labelNames: ["of"], registers: [registry] });
    gauge.set({ of: "x" }, Number.NaN);
    gauge.set({ of: "y" }, 1);
    const [family] = (await reportMetrics(registry)).metrics;
    expect(family?.samples).to.deep.equal([{ name: "memobuild_e", labels: { of: "y" }, value: 1 }]);
  });
});
