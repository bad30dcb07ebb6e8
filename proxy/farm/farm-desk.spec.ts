/** What people are told of the farm, and what becomes of a builder that they remove. */
import { expect } from "chai";
import { pino } from "pino";
import { Registry } from "prom-client";
import { builderAddress, type BuilderAddress } from "../config/builder-address.js";
import { FakeClock } from "../test/support/fake-clock.js";
import { poll } from "../test/support/poll.js";
import { BuilderError, MEMOBUILD_SERIES, type RemoveOptions, type ResourceUsage } from "./builder-desk.js";
import { FarmDesk } from "./farm-desk.js";
import { Farm } from "./farm.js";
import { Warmth } from "./warmth.js";

const ONE = "tcp://10.0.0.1:1";
const TWO = "tcp://10.0.0.2:1";
const USAGE: ResourceUsage = { cpuCores: 1.5, sampledAtMs: 0 };

describe("FarmDesk", () => {
  let farm: Farm;
  let busy: Set<string>;
  let ended: string[];
  let removed: string[];
  let desk: FarmDesk;
  let down: Set<string>;
  let sampled: () => void;

  beforeEach(() => {
    [busy, ended, removed, down] = [new Set<string>(), [], [], new Set<string>()];
    const addresses = [ONE, TWO]
      .map((text) => builderAddress.parse(text))
      .filter((address): address is BuilderAddress => address.kind !== "dns+tcp");
    farm = new Farm({
      ...{ addresses, names: [], minVersion: "v0.28.1", registry: new Registry(), clock: new FakeClock() },
      kept: {
        addedAddresses: () => [],
        isDraining: () => false,
        add: () => undefined,
        setDraining: () => undefined,
        forget: () => undefined,
      },
      isIdle: (address) => !busy.has(address),
      probe: {
        listWorkers: ({ address }) =>
          down.has(address)
            ? Promise.reject(new Error("connect ECONNREFUSED"))
            : Promise.resolve({
                id: `worker of ${address}`,
                version: "v0.32.2",
                platforms: ["linux/amd64"],
                labels: {},
              }),
        ping: () => Promise.resolve(Buffer.alloc(0)),
      },
      lookup: () => Promise.resolve([]),
      logger: pino({ level: "silent" }),
    });
    desk = new FarmDesk({
      ...{ farm, warmth: new Warmth(), maxClients: 4 },
      queue: { clientsOn: (address) => (address === ONE ? 3 : 0), waiting: 7 },
      resources: {
        usageOf: () => USAGE,
        warningsOf: () => ["disk is full"],
        own: () => USAGE,
        onSampled: (listener) => (sampled = listener),
      },
      managed: {
        remove: (name) => {
          removed.push(name);
          return Promise.resolve();
        },
      },
      runningBuilds: (address) => (address === ONE ? 2 : 0),
      isIdle: (address) => !busy.has(address),
      endBuilds: (address, cause) => ended.push(`${address}: ${cause}`),
      now: () => 5000,
    });
  });
  afterEach(() => farm.close());

  const names = (): string[] => farm.builders.map(({ name }) => name);
  const remove = (name: string, options: RemoveOptions, signal = new AbortController().signal): Promise<void> =>
    desk.remove(name, options, signal);
  const errorOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

  it("tells how each builder does now", async () => {
    down.add(TWO);
    const { builders, waitingBuilds } = await desk.report();
    const [one, two] = builders;
    expect(waitingBuilds).to.equal(7);
    expect(one).to.include({ name: ONE, state: "up", version: "v0.32.2", runningBuilds: 2, clients: 3, maxClients: 4 });
    expect([one?.platforms, one?.usage, one?.warnings]).to.deep.equal([["linux/amd64"], USAGE, ["disk is full"]]);
    expect(two?.state).not.to.equal("up");
    expect(two?.cause).to.contain("ECONNREFUSED");
  });

  it("remembers how builders did, without those that are gone", async () => {
    sampled();
    const samples = [USAGE];
    expect(await desk.usageHistory()).to.deep.equal({
      stepMs: 30_000,
      series: [ONE, TWO, MEMOBUILD_SERIES].map((name) => ({ name, samples })),
      load: [{ atMs: 5000, runningBuilds: 2, waitingBuilds: 7 }],
    });
    await remove(TWO, { isForced: false });
    sampled();
    expect((await desk.usageHistory()).series.map(({ name }) => name)).to.deep.equal([ONE, MEMOBUILD_SERIES]);
  });

  it("tells more of one, and that there is no other", async () => {
    expect(await desk.inspect(ONE)).to.include({ name: ONE, workerId: `worker of ${ONE}` });
    const error = await errorOf(desk.inspect("tcp://10.0.0.3:1"));
    expect(error).to.be.instanceOf(BuilderError).and.include({ code: "unknown" });
  });

  it("adds, drains and undrains a builder", async () => {
    expect(await desk.add("tcp://10.0.0.3:1")).to.include({ name: "tcp://10.0.0.3:1", origin: "added", state: "up" });
    expect((await desk.drain(ONE)).isDraining).to.equal(true);
    expect((await desk.undrain(ONE)).isDraining).to.equal(false);
    expect(await errorOf(desk.drain("nobody"))).to.be.instanceOf(BuilderError);
  });

  it("removes a builder when it has finished, and gives it no more builds meanwhile", async () => {
    busy.add(ONE);
    const done = remove(ONE, { isForced: false });
    await poll(
      () => farm.find(ONE)?.isDraining,
      (isDraining) => isDraining === true,
      { what: "it drains", timeoutMs: 1_000 },
    );
    expect(names()).to.deep.equal([ONE, TWO]);
    busy.delete(ONE);
    await done;
    expect([names(), ended, removed]).to.deep.equal([[TWO], [], []]);
  });

  it("ends what runs on a builder that is removed by force", async () => {
    busy.add(ONE);
    await remove(ONE, { isForced: true });
    expect([names(), ended]).to.deep.equal([[TWO], [`${ONE}: it was removed from the farm`]]);
  });

  it("leaves a builder in the farm, draining, when nobody waits for its end any more", async () => {
    busy.add(ONE);
    const abort = new AbortController();
    const error = errorOf(remove(ONE, { isForced: false }, abort.signal));
    abort.abort();
    expect(await error).to.be.instanceOf(Error);
    expect([names(), farm.find(ONE)?.isDraining]).to.deep.equal([[ONE, TWO], true]);
  });

  it("removes a builder once for two who want it gone", async () => {
    busy.add(ONE);
    const both = [remove(ONE, { isForced: false }), remove(ONE, { isForced: false })];
    busy.delete(ONE);
    await Promise.all(both);
    expect(names()).to.deep.equal([TWO]);
  });

  it("keeps the last builder", async () => {
    await remove(ONE, { isForced: false });
    expect(await errorOf(remove(TWO, { isForced: true })))
      .to.be.instanceOf(BuilderError)
      .and.include({ code: "last" });
    expect([names(), ended]).to.deep.equal([[TWO], []]);
  });

  it("stops a builder that MemoBuild runs itself", async () => {
    const dial = (): Promise<never> => Promise.reject(new Error("nobody is there"));
    farm.addManaged({ name: "managed-1", builder: { address: "unix:///m.sock", dial }, origin: "managed" });
    await remove("managed-1", { isForced: false });
    expect([names(), removed]).to.deep.equal([[ONE, TWO], ["managed-1"]]);
  });
});
