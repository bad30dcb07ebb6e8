/** Figures out of metrics. */
import { expect } from "chai";
import { gaugesOf, type Metrics, valueOf } from "./metric-values.js";

type Labels = Record<string, string>;

const family = (name: string, ...samples: (readonly [value: number, labels?: Labels])[]): Metrics[number] => ({
  ...{ name, type: "gauge", help: "" },
  samples: samples.map(([value, labels = {}]) => ({ name, labels, value })),
});

const metrics: Metrics = [
  family("memobuild_builds_running", [2]),
  family("memobuild_queue_waiting", [1]),
  family("memobuild_builders", [3, { state: "up" }], [0, { state: "down" }], [1, { state: "draining" }]),
  family("memobuild_cache_store_bytes", [500]),
  family("memobuild_cache_limit_bytes", [2000, { kind: "hard" }], [1000, { kind: "soft" }]),
  family("memobuild_cache_export_jobs", [4]),
  family("memobuild_relay_calls_total", [0, { service: "moby.buildkit.v1.Control" }]),
];

describe("valueOf", () => {
  it("finds the sample with the labels", () => {
    expect(valueOf(metrics, "memobuild_cache_limit_bytes", { kind: "soft" })).to.equal(1000);
    expect(valueOf(metrics, "memobuild_cache_limit_bytes", { kind: "none" })).to.equal(undefined);
    expect(valueOf(metrics, "memobuild_nosuch")).to.equal(undefined);
  });
});

describe("gaugesOf", () => {
  it("reads what the overview shows", () => {
    expect(gaugesOf(metrics)).to.deep.equal({
      ...{ running: 2, waiting: 1, exporting: 4, hadClient: false },
      builders: [
        ["up", 3],
        ["draining", 1],
      ],
      cache: { usedBytes: 500, maxBytes: 1000 },
    });
  });

  it("does without a shared cache", () => {
    expect(gaugesOf([])).to.deep.include({ running: 0, cache: undefined });
  });

  it("knows a client by its calls to BuildKit", () => {
    const calls = (service: string): Metrics => [family("memobuild_relay_calls_total", [1, { service }])];
    expect(gaugesOf(calls("moby.buildkit.v1.Control")).hadClient).to.equal(true);
    expect(gaugesOf(calls("grpc.health.v1.Health")).hadClient).to.equal(false);
  });
});
