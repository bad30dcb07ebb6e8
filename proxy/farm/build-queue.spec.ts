/** Promises of the queue: room, fairness, limits, and nothing left when everybody has gone. */
import { getEventListeners } from "node:events";
import { mock } from "node:test";
import { expect } from "chai";
import fc from "fast-check";
import { Registry } from "prom-client";
import { type MemoryFarmBuilder, memoryFarmBuilder } from "../test/support/farm-builders.js";
import { BuildQueue, QUEUE_MAX } from "./build-queue.js";
import { FarmMetrics } from "./farm-metrics.js";
import { type Lease, NoBuilderError, type PlaceRequest } from "./placing.js";
import { NO_BUILDER_WAIT_MS } from "./waiting-build.js";
import { Warmth } from "./warmth.js";

const QUEUE_TIMEOUT_MS = 60_000;

/** What became of a request, as far as is known. */
interface Asked {
  lease?: Lease;
  error?: unknown;
  readonly ahead: number[];
  readonly abort: AbortController;
  readonly ended: Promise<void>;
}

describe("BuildQueue", () => {
  let builders: MemoryFarmBuilder[];
  let registry: Registry;
  let warmth: Warmth;
  let queue: BuildQueue;
  let limit: number | undefined;

  const open = (maxClients?: number): void => {
    limit = maxClients;
    [registry, warmth] = [new Registry(), new Warmth()];
    const farm = {
      get builders() {
        return builders;
      },
    };
    const metrics = new FarmMetrics(registry);
    const clocks = { now: Date.now, wallClock: Date.now };
    queue = new BuildQueue({
      ...{ farm, warmth, metrics, queueTimeoutMs: QUEUE_TIMEOUT_MS, ...clocks },
      get maxClients() {
        return limit;
      },
    });
  };

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    builders = ["tcp://a:1", "tcp://b:1"].map((address) => memoryFarmBuilder(address));
    open();
  });

  afterEach(() => {
    mock.timers.reset();
  });

  const ask = (fields: Partial<PlaceRequest> = {}): Asked => {
    const abort = new AbortController();
    const ahead: number[] = [];
    const request = { tenant: "", project: "p", scope: "", platforms: [], exclude: new Set<string>(), ...fields };
    const { signal } = abort;
    const placing = queue.place(request, { signal, onWaiting: (number) => ahead.push(number) });
    const asked: Asked = {
      ...{ ahead, abort },
      ended: placing.then(
        (lease) => {
          asked.lease = lease;
        },
        (error: unknown) => {
          asked.error = error;
        },
      ),
    };
    return asked;
  };

  /** Lets promises settle; there are no timers among them. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  const leaseOf = async (asked: Asked): Promise<Lease> => {
    await settle();
    if (asked.lease === undefined) throw new Error("it has no lease");
    return asked.lease;
  };
  const get = (fields: Partial<PlaceRequest> = {}): Promise<Lease> => leaseOf(ask(fields));

  /** Its message, which has to be for the client. */
  const refusal = async (asked: Asked): Promise<string> => {
    await settle();
    if (!(asked.error instanceof NoBuilderError)) throw new Error("it was not refused");
    return asked.error.message;
  };

  const down = (builder: MemoryFarmBuilder | undefined, cause: string): void => {
    if (builder !== undefined) builder.health = { state: "down", cause, sinceMs: 0 };
    queue.placeAgain();
  };
  const up = (builder: MemoryFarmBuilder | undefined): void => {
    if (builder !== undefined) builder.health = memoryFarmBuilder(builder.address).health;
    queue.placeAgain();
  };

  const value = async (name: string, label = ""): Promise<number | undefined> => {
    const found = (await registry.getSingleMetric(name)?.get())?.values ?? [];
    return found.find(({ labels }) => Object.values(labels).join() === label)?.value;
  };

  it("sends all builds of a project to one builder, also those that come at once", async () => {
    const leases = await Promise.all([get(), get(), get()]);
    expect(new Set(leases.map(({ builder }) => builder))).to.have.length(1);
    expect(leases.map(({ reason }) => reason)).to.deep.equal(["cold", "warm", "warm"]);
    expect(queue.clientsOn(leases[0].builder.address)).to.equal(3);
    for (const lease of leases) lease.release();
    expect(queue.clientsOn(leases[0].builder.address)).to.equal(0);
  });

  it("goes where the project is warm", async () => {
    const key = { tenant: "", project: "p", scope: "" };
    for (const { address } of builders) {
      warmth = new Warmth();
      open();
      warmth.built({ ...key, address, workMs: 1_000, endedAtMs: Date.now() });
      expect((await get()).builder.address).to.equal(address);
    }
  });

  it("frees a place once, however often it is released", async () => {
    const [first, second] = [await get(), await get()];
    first.release();
    first.release();
    expect(queue.clientsOn(second.builder.address)).to.equal(1);
  });

  it("counts down on a builder that has left the farm, and then forgets its series", async () => {
    const lease = await get();
    const { address } = lease.builder;
    builders = builders.filter((builder) => builder.address !== address);
    queue.placeAgain();
    expect(queue.clientsOn(address)).to.equal(1);
    expect(await value("memobuild_builder_clients", address)).to.equal(1);
    lease.release();
    expect(queue.clientsOn(address)).to.equal(0);
    expect(await value("memobuild_builder_clients", address)).to.equal(undefined);
  });

  it("shows builders that have no client yet, and none that is gone", async () => {
    queue.placeAgain();
    expect(await value("memobuild_builder_clients", "tcp://a:1")).to.equal(0);
    builders = builders.slice(1);
    queue.placeAgain();
    expect(await value("memobuild_builder_clients", "tcp://a:1")).to.equal(undefined);
    expect(await value("memobuild_builder_clients", "tcp://b:1")).to.equal(0);
  });

  describe("with a limit", () => {
    beforeEach(() => {
      open(1);
    });

    it("makes those wait that have no room, and tells them how many are before them", async () => {
      const leases = [await get(), await get()];
      expect(new Set(leases.map(({ builder }) => builder))).to.have.length(2);
      const [first, second] = [ask(), ask()];
      expect([first.ahead, second.ahead]).to.deep.equal([[0], [1]]);
      expect([queue.waiting, await value("memobuild_queue_waiting")]).to.deep.equal([2, 2]);
      mock.timers.tick(1_500);
      leases[0]?.release();
      expect((await leaseOf(first)).builder).to.equal(leases[0]?.builder);
      expect(second.ahead).to.deep.equal([1, 0]);
      expect(second.lease).to.equal(undefined);
      expect(await registry.metrics()).to.include("memobuild_queue_wait_seconds_sum 1.5");
    });

    it("lets those that wait go when the limit is raised, and takes nobody's place when it is lowered", async () => {
      const leases = [await get(), await get()];
      const [first, second, third] = [ask(), ask(), ask()];
      limit = 2;
      queue.placeAgain();
      expect([(await leaseOf(first)).builder, (await leaseOf(second)).builder]).to.have.members(builders);
      expect(third.lease).to.equal(undefined);
      limit = 1;
      queue.placeAgain();
      leases[0]?.release();
      await settle();
      expect([queue.waiting, queue.clientsOn("tcp://a:1") + queue.clientsOn("tcp://b:1")]).to.deep.equal([1, 3]);
      limit = undefined;
      queue.placeAgain();
      await leaseOf(third);
    });

    it("serves the tenant and the project with least, then the oldest", async () => {
      const running = [await get({ tenant: "t" }), await get({ tenant: "t" })];
      const waiting = [
        ask({ tenant: "t", project: "p" }),
        ask({ tenant: "t", project: "q" }),
        ask({ tenant: "u", project: "p" }),
        ask({ tenant: "u", project: "p" }),
      ];
      expect(waiting.map(({ ahead }) => ahead.at(-1))).to.deep.equal([3, 2, 0, 1]);
      const served = (): number[] => [...waiting.keys()].filter((number) => waiting[number]?.lease !== undefined);
      running[0]?.release();
      await settle();
      expect(served(), "none of u is running").to.deep.equal([2]);
      running[1]?.release();
      await settle();
      expect(served(), "none of t is running any more").to.deep.equal([0, 2]);
      waiting[2]?.lease?.release();
      await settle();
      expect(served()).to.deep.equal([0, 2, 3]);
      queue.close();
    });

    it("keeps the only builder that will do for those that stay on it, and lets others pass", async () => {
      const [first, second] = [await get(), await get()];
      const staying = ask({ stayOn: first.builder });
      const other = ask();
      second.release();
      expect((await leaseOf(other)).builder).to.equal(second.builder);
      expect(staying.lease).to.equal(undefined);
      first.release();
      expect(await leaseOf(staying)).to.deep.include({ builder: first.builder, reason: "pinned" });
    });

    it("says after a while that all are busy, and what helps", async () => {
      const leases = [await get(), await get()];
      const [waiting, staying] = [ask(), ask({ stayOn: leases[0]?.builder })];
      mock.timers.tick(QUEUE_TIMEOUT_MS - 1);
      await settle();
      expect(waiting.error).to.equal(undefined);
      mock.timers.tick(1);
      const helps = "more builders help, or a higher --builder-max-clients";
      expect(await refusal(waiting)).to.equal(
        `no builder was free within 60 s: 2 builders take at most 1 client each; ${helps}`,
      );
      expect(await refusal(staying)).to.include(
        `${leases[0]?.builder.address ?? ""}, where this client's other builds are, takes at most 1 client`,
      );
      expect(await value("memobuild_queue_refused_total", "timeout")).to.equal(2);
      expect(queue.waiting).to.equal(0);
    });

    it("refuses those for whom the queue is too long", async () => {
      await Promise.all([get(), get()]);
      const waiting = Array.from({ length: QUEUE_MAX }, () => ask());
      expect(await refusal(ask())).to.match(
        /^1000 builds wait for a builder already: 2 builders take at most 1 client/,
      );
      expect(await value("memobuild_queue_refused_total", "full")).to.equal(1);
      queue.close();
      await Promise.all(waiting.map(({ ended }) => ended));
    }).timeout(5_000);

    it("lets go of a client that leaves, and moves up those behind it", async () => {
      await Promise.all([get(), get()]);
      const [leaving, staying] = [ask(), ask()];
      const reason = new Error("cancelled");
      leaving.abort.abort(reason);
      await leaving.ended;
      expect(leaving.error).to.equal(reason);
      expect(staying.ahead).to.deep.equal([1, 0]);
      expect(getEventListeners(leaving.abort.signal, "abort")).to.be.empty;
      expect([queue.waiting, await value("memobuild_queue_refused_total", "gone")]).to.deep.equal([1, 1]);
      queue.close();
    });

    it("gives no place to a client that has left before", async () => {
      const abort = new AbortController();
      abort.abort(new Error("cancelled"));
      const request = { tenant: "", project: "p", scope: "", platforms: [], exclude: new Set<string>() };
      const placing = queue.place(request, { signal: abort.signal, onWaiting: () => undefined });
      expect(await placing.catch((error: unknown) => error)).to.equal(abort.signal.reason);
      expect(builders.map(({ address }) => queue.clientsOn(address))).to.deep.equal([0, 0]);
    });

    it("gives the place that is free to those that wait for a builder that comes", async () => {
      await Promise.all([get(), get()]);
      const [first, second] = [ask(), ask()];
      builders = [...builders, memoryFarmBuilder("tcp://c:1")];
      queue.placeAgain();
      expect((await leaseOf(first)).builder.address).to.equal("tcp://c:1");
      expect(second.ahead).to.deep.equal([1, 0]);
      queue.close();
    });

    it("refuses all that wait, and all that come, when it closes", async () => {
      const leases = await Promise.all([get(), get()]);
      const waiting = [ask(), ask()];
      queue.close();
      for (const asked of [...waiting, ask()]) expect(await refusal(asked)).to.equal("MemoBuild is stopping");
      for (const lease of leases) lease.release();
      expect(builders.map(({ address }) => queue.clientsOn(address))).to.deep.equal([0, 0]);
    });

    it("holds the limit, loses nobody and counts back to 0, whatever happens", async () => {
      const event = fc.record({
        kind: fc.constantFrom("ask", "ask", "ask", "release", "abort", "down", "up", "drain"),
        at: fc.nat(9),
        tenant: fc.constantFrom("t", "u"),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 2 }), async (events, max) => {
          builders = ["tcp://a:1", "tcp://b:1", "tcp://c:1"].map((address) => memoryFarmBuilder(address));
          open(max);
          const all: Asked[] = [];
          for (const { kind, at, tenant } of events) {
            const [builder, asked] = [builders[at % builders.length], all[at % Math.max(1, all.length)]];
            if (kind === "ask") all.push(ask({ tenant, project: `${at % 3}` }));
            else if (kind === "release") asked?.lease?.release();
            else if (kind === "abort") asked?.abort.abort();
            else if (kind === "up") up(builder);
            else if (kind === "down") down(builder, "gone");
            else if (builder !== undefined) builder.isDraining = !builder.isDraining;
            queue.placeAgain();
            await settle();
            const waiting = all.filter(({ lease, error }) => lease === undefined && error === undefined);
            expect(queue.waiting).to.equal(waiting.length);
            const clients = builders.map(({ address }) => queue.clientsOn(address));
            expect(Math.max(...clients)).to.be.at.most(max);
            const roomy = builders.filter(
              ({ address, health, isDraining }) =>
                health.state === "up" && !isDraining && queue.clientsOn(address) < max,
            );
            if (roomy.length > 0) expect(waiting).to.be.empty;
          }
          queue.close();
          await Promise.all(all.map(({ ended }) => ended));
          for (const { lease } of all) lease?.release();
          expect(builders.map(({ address }) => queue.clientsOn(address))).to.deep.equal([0, 0, 0]);
        }),
        { numRuns: 20 },
      );
    }).timeout(5_000);
  });

  describe("when no builder takes the build", () => {
    beforeEach(() => {
      down(builders[0], "connect ECONNREFUSED");
      for (const builder of builders.slice(1)) builder.isDraining = true;
    });

    it("waits for one to come back, without a word of a queue", async () => {
      const waiting = ask();
      mock.timers.tick(NO_BUILDER_WAIT_MS - 1);
      up(builders[0]);
      expect((await leaseOf(waiting)).builder).to.equal(builders[0]);
      expect(waiting.ahead).to.be.empty;
    });

    it("says of each why it does not", async () => {
      const waiting = ask();
      mock.timers.tick(NO_BUILDER_WAIT_MS);
      const causes = "tcp://a:1 is down: connect ECONNREFUSED; tcp://b:1 is draining";
      expect(await refusal(waiting)).to.equal(`no builder takes the build: ${causes}`);
      expect(await value("memobuild_queue_refused_total", "no_builder")).to.equal(1);
      expect(queue.waiting).to.equal(0);
    });

    it("names only some of a large farm", async () => {
      builders = Array.from({ length: 500 }, (_, n) => ({ ...memoryFarmBuilder(`tcp://${n}:1`), isDraining: true }));
      const waiting = ask();
      mock.timers.tick(NO_BUILDER_WAIT_MS);
      expect(await refusal(waiting)).to.match(/tcp:\/\/9:1 is draining; and so on for 490 more$/);
    });

    it("does not wait where all have failed for the build or are not to be used", async () => {
      for (const builder of builders.slice(1)) {
        const workers = { id: "", version: "v0.9.0", platforms: [], labels: {} };
        builder.health = { state: "refused", cause: "too old", workers, sinceMs: 0 };
      }
      expect(await refusal(ask({ exclude: new Set(["tcp://a:1"]) }))).to.equal(
        "no builder takes the build: tcp://a:1 failed for this build; tcp://b:1 is refused: too old",
      );
    });

    it("does not wait for the builder to stay on when that is gone", async () => {
      const stayOn = memoryFarmBuilder("tcp://gone:1");
      expect(await refusal(ask({ stayOn }))).to.match(/tcp:\/\/gone:1 is gone$/);
      const waiting = ask({ stayOn: builders[0] });
      builders = builders.slice(1);
      queue.placeAgain();
      expect(await refusal(waiting)).to.match(/tcp:\/\/a:1 is gone$/);
    });

    it("waits for a first builder where there is none", async () => {
      builders = [];
      const [first, second] = [ask(), ask()];
      mock.timers.tick(NO_BUILDER_WAIT_MS / 2);
      builders = [memoryFarmBuilder("tcp://c:1")];
      queue.placeAgain();
      await Promise.all([first.ended, second.ended]);
      expect([first.lease?.reason, second.lease?.reason]).to.deep.equal(["only", "only"]);
      builders = [];
      const third = ask();
      mock.timers.tick(NO_BUILDER_WAIT_MS);
      expect(await refusal(third)).to.equal("no builder takes the build: there is none");
    });

    it("waits for room, as long as others do, once a builder is back that has none", async () => {
      open(1);
      for (const builder of builders.slice(1)) builder.isDraining = false;
      const lease = await get();
      for (const builder of builders.slice(1)) builder.isDraining = true;
      queue.placeAgain();
      const waiting = ask();
      mock.timers.tick(NO_BUILDER_WAIT_MS - 1);
      for (const builder of builders.slice(1)) builder.isDraining = false;
      queue.placeAgain();
      expect(waiting.ahead).to.deep.equal([0]);
      mock.timers.tick(NO_BUILDER_WAIT_MS);
      lease.release();
      expect((await leaseOf(waiting)).builder).to.equal(lease.builder);
    });
  });
});
