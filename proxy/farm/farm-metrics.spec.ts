import { expect } from "chai";
import { Registry } from "prom-client";
import { FarmMetrics } from "./farm-metrics.js";

describe("FarmMetrics", () => {
  let registry: Registry;
  let metrics: FarmMetrics;

  beforeEach(() => {
    registry = new Registry();
    metrics = new FarmMetrics(registry);
  });

  const values = async (name: string): Promise<Readonly<Record<string, number>>> => {
    const found = (await registry.getSingleMetric(name)?.get())?.values ?? [];
    return Object.fromEntries(found.map(({ labels, value }) => [Object.values(labels).join(), value]));
  };

  it("begin at 0 for all that they can count", async () => {
    expect(await values("memobuild_placements_total")).to.deep.equal({
      ...{ warm: 0, cold: 0, overflow: 0, pinned: 0, only: 0 },
    });
    expect(await values("memobuild_queue_refused_total")).to.deep.equal({
      timeout: 0,
      full: 0,
      no_builder: 0,
      gone: 0,
    });
    expect(await values("memobuild_queue_waiting")).to.deep.equal({ "": 0 });
    expect(await values("memobuild_builder_clients")).to.deep.equal({});
  });

  it("count places with the time waited for them, and refusals", async () => {
    metrics.placed("warm", 0);
    metrics.placed("warm", 1_500);
    metrics.refused("timeout");
    expect((await values("memobuild_placements_total"))["warm"]).to.equal(2);
    expect((await values("memobuild_queue_refused_total"))["timeout"]).to.equal(1);
    expect(await registry.metrics()).to.include("memobuild_queue_wait_seconds_sum 1.5");
  });

  it("forget a builder", async () => {
    metrics.clients("tcp://a:1234", 2);
    metrics.clients("tcp://b:1234", 0);
    metrics.forgetBuilder("tcp://a:1234");
    expect(await values("memobuild_builder_clients")).to.deep.equal({ "tcp://b:1234": 0 });
  });
});
