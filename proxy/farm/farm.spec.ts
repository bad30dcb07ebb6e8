/** Promises of the farm, with builders that each test sets. */
import { expect } from "chai";
import { pino } from "pino";
import { Registry } from "prom-client";
import type { Workers } from "../buildkit/workers.js";
import { builderAddress, type BuilderAddress, type DnsAddress } from "../config/builder-address.js";
import { FakeClock } from "../test/support/fake-clock.js";
import { BuilderError } from "./builder-desk.js";
import { Farm, type FarmEvent } from "./farm.js";
import type { KeptBuilders } from "./kept-builders.js";

class MemoryKept implements KeptBuilders {
  readonly added = new Map<string, string>();
  readonly draining = new Set<string>();

  addedAddresses(): readonly string[] {
    return [...this.added.values()];
  }
  isDraining(name: string): boolean {
    return this.draining.has(name);
  }
  add(name: string, address: string): void {
    this.added.set(name, address);
  }
  setDraining(name: string, isDraining: boolean): void {
    if (isDraining) this.draining.add(name);
    else this.draining.delete(name);
  }
  forget(name: string): void {
    this.added.delete(name);
    this.draining.delete(name);
  }
}

interface Given {
  readonly builders?: readonly string[];
  readonly kept?: MemoryKept;
}

const split = (texts: readonly string[]): { addresses: BuilderAddress[]; names: DnsAddress[] } => {
  const parsed = texts.map((text) => builderAddress.parse(text));
  return {
    addresses: parsed.filter((address) => address.kind !== "dns+tcp"),
    names: parsed.filter((address) => address.kind === "dns+tcp"),
  };
};

const workersOf = (id: string): Workers => ({ id, version: "v0.32.2", platforms: ["linux/amd64"], labels: {} });

const fixture = ({ builders = [], kept = new MemoryKept() }: Given = {}) => {
  const world = {
    dns: ["10.0.0.2", "10.0.0.1"],
    down: new Set<string>(),
    downCode: "ECONNREFUSED",
    workers: new Map<string, Workers>(),
    busy: new Set<string>(),
    pings: 0,
    canPing: true,
  };
  const lines: string[] = [];
  const registry = new Registry();
  const clock = new FakeClock();
  const farm = new Farm({
    ...split(builders),
    minVersion: "v0.28.1",
    kept,
    isIdle: (address) => !world.busy.has(address),
    probe: {
      listWorkers: ({ address }) =>
        world.down.has(address)
          ? Promise.reject(Object.assign(new Error(`connect ${world.downCode}`), { code: world.downCode }))
          : Promise.resolve(world.workers.get(address) ?? workersOf(address)),
      ping: ({ address }) => {
        world.pings++;
        return world.canPing ? Promise.resolve(Buffer.from(address)) : Promise.reject(new Error("unimplemented"));
      },
    },
    lookup: () => Promise.resolve(world.dns),
    registry,
    logger: pino({ base: null }, { write: (line: string) => lines.push(line) }),
    clock,
  });
  const events: string[] = [];
  farm.onChange((event: FarmEvent) => {
    const state = "hasNewState" in event && event.hasNewState ? " with new state" : "";
    events.push(`${event.type} ${event.builder.name}${state}`);
  });
  const start = async (): Promise<void> => {
    farm.start();
    await clock.advance(0);
  };
  const names = (): string[] => farm.builders.map(({ name }) => name);
  return { clock, events, farm, kept, lines, names, registry, start, world };
};

const dial = (): Promise<never> => Promise.reject(new Error("nobody is there"));
const managed = (name: string) => ({
  name,
  builder: { address: `unix:///${name}`, dial },
  origin: "managed" as const,
  reachesUsAt: "172.17.0.1",
});

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof BuilderError) return error.code;
    throw error;
  }
  return "none";
};

describe("Farm", () => {
  it("has its builders in a stable order, whenever they come", async () => {
    const kept = new MemoryKept();
    kept.add("tcp://z:1", "tcp://z:1");
    const { clock, farm, names, start, world } = fixture({
      builders: ["tcp://c:1", "tcp://b:1", "dns+tcp://n:1"],
      kept,
    });
    farm.addManaged(managed("managed-1"));
    await start();
    farm.add("tcp://a:1");
    farm.addManaged(managed("managed-2"));
    world.dns = ["10.0.0.2", "10.0.0.1", "10.0.0.0"];
    await clock.advance(10_000);
    expect(names()).to.deep.equal([
      ...["tcp://c:1", "tcp://b:1"],
      ...["tcp://10.0.0.0:1", "tcp://10.0.0.1:1", "tcp://10.0.0.2:1"],
      ...["managed-1", "managed-2", "tcp://z:1", "tcp://a:1"],
    ]);
    expect(farm.find("unix:///managed-1")).to.include({ name: "managed-1", reachesUsAt: "172.17.0.1" });
    await farm.close();
  });

  it("starts although a builder is down, and tells when that changes", async () => {
    const { clock, events, farm, start, world } = fixture({ builders: ["tcp://a:1", "tcp://b:1"] });
    world.down.add("tcp://b:1");
    await start();
    expect(events).to.include.members(["up tcp://a:1", "down tcp://b:1"]);
    world.down.clear();
    await clock.advance(2_000);
    expect(events).to.include("up tcp://b:1");
    await farm.close();
    expect(clock.waiting).to.equal(0);
  });

  it("tells again and again of a builder that is silent, and of its fall once", async () => {
    const { clock, events, farm, start, world } = fixture({ builders: ["tcp://a:1"] });
    await start();
    world.down.add("tcp://a:1");
    await clock.advance(9_000);
    expect(events.filter((event) => event.startsWith("silent"))).to.be.empty;
    world.downCode = "EHOSTUNREACH";
    await clock.advance(60_000);
    expect(events.filter((event) => event.startsWith("silent")).length).to.be.greaterThan(2);
    expect(events.filter((event) => event.startsWith("down"))).to.have.length(1);
    await farm.close();
  });

  it("checks at once what is suspected", async () => {
    const { clock, events, farm, start, world } = fixture({ builders: ["tcp://a:1"] });
    await start();
    await clock.advance(1_000);
    world.down.add("tcp://a:1");
    farm.suspect({ address: "tcp://a:1", dial });
    await clock.advance(0);
    expect(events).to.include("down tcp://a:1");
    await farm.close();
  });

  it("keeps what a daemon's frontends can do, and asks each daemon once", async () => {
    const { clock, events, farm, start, world } = fixture({ builders: ["tcp://a:1"] });
    await start();
    await clock.advance(20_000);
    expect(farm.find("tcp://a:1")?.pong?.toString()).to.equal("tcp://a:1");
    expect(events).to.include("changed tcp://a:1");
    expect(world.pings).to.equal(1);
    await farm.close();
  });

  it("is content with a daemon that does not say what it can do", async () => {
    const { farm, start, world } = fixture({ builders: ["tcp://a:1"] });
    world.canPing = false;
    await start();
    expect(farm.find("tcp://a:1"))
      .to.deep.include({ pong: undefined })
      .and.to.have.nested.property("health.state", "up");
    await farm.close();
  });

  it("tells that a builder has lost its state", async () => {
    const { clock, events, farm, start, world } = fixture({ builders: ["tcp://a:1"] });
    await start();
    world.workers.set("tcp://a:1", workersOf("anew"));
    await clock.advance(5_000);
    expect(events.filter((event) => event.startsWith("up"))).to.deep.equal([
      "up tcp://a:1",
      "up tcp://a:1 with new state",
    ]);
    await farm.close();
  });

  it("warns once of a daemon under two addresses, and keeps both", async () => {
    const { clock, farm, lines, names, start, world } = fixture({ builders: ["tcp://a:1", "unix:///a"] });
    for (const address of ["tcp://a:1", "unix:///a"]) world.workers.set(address, workersOf("one"));
    await start();
    world.down.add("unix:///a");
    await clock.advance(6_000);
    world.down.clear();
    await clock.advance(60_000);
    expect(names()).to.have.length(2);
    expect(lines.filter((line) => line.includes("two builders are one daemon"))).to.have.length(1);
    await farm.close();
  });

  it("does not take two Docker Engines for one daemon", async () => {
    const { farm, lines, start, world } = fixture({ builders: ["docker:///a.sock", "docker:///b.sock"] });
    for (const address of ["docker:///a.sock", "docker:///b.sock"]) world.workers.set(address, workersOf("moby"));
    await start();
    expect(farm.builders.map(({ health, workerId }) => [health.state, workerId])).to.deep.equal([
      ["up", undefined],
      ["up", undefined],
    ]);
    expect(lines.join("")).not.to.contain("one daemon");
    await farm.close();
  });

  it("exempts a Docker Engine from the minimum version, and says what it lacks", async () => {
    const { farm, lines, start, world } = fixture({ builders: ["docker:///d.sock", "tcp://a:1"] });
    const old = { ...workersOf("moby"), version: "v0.11.6" };
    for (const address of ["docker:///d.sock", "tcp://a:1"]) world.workers.set(address, old);
    await start();
    expect(farm.builders.map(({ health }) => health.state)).to.deep.equal(["up", "refused"]);
    expect(farm.builders.map(({ abilities }) => abilities.canExportCache)).to.deep.equal([false, true]);
    expect(lines.filter((line) => line.includes("builder limited"))).to.have.length(3);
    await farm.close();
  });

  it("counts its builders by state, and forgets those that are gone", async () => {
    const { farm, registry, start, world } = fixture({ builders: ["tcp://a:1", "tcp://b:1", "tcp://c:1"] });
    world.down.add("tcp://b:1");
    await start();
    farm.drain("tcp://c:1");
    const before = await registry.metrics();
    for (const line of ['s{state="up"} 1', 's{state="down"} 1', 's{state="draining"} 1', 's{state="refused"} 0'])
      expect(before).to.contain(`memobuild_builder${line}`);
    expect(before).to.contain('memobuild_builder_up{builder="tcp://b:1"} 0');
    farm.remove("tcp://b:1");
    expect(await registry.metrics())
      .to.contain('memobuild_builder_up{builder="tcp://a:1"} 1')
      .and.not.to.contain("tcp://b:1");
    await farm.close();
  });
});

describe("Farm, at run time", () => {
  it("adds a builder, also after a restart", async () => {
    const kept = new MemoryKept();
    const first = fixture({ builders: ["tcp://a:1"], kept });
    await first.start();
    first.farm.add("tcp://b:1,cacert=/ca");
    await first.clock.advance(0);
    expect(first.events).to.include.members(["added tcp://b:1", "up tcp://b:1"]);
    await first.farm.close();
    expect(fixture({ builders: ["tcp://a:1"], kept }).names()).to.deep.equal(["tcp://a:1", "tcp://b:1"]);
  });

  it("leaves out what was added and cannot be read, and what is an option by now", () => {
    const kept = new MemoryKept();
    kept.add("tcp://a:1", "tcp://a:1");
    kept.add("old", "old://b");
    const { lines, names } = fixture({ builders: ["tcp://a:1"], kept });
    expect(names()).to.deep.equal(["tcp://a:1"]);
    expect(lines.join("")).to.contain("old://b");
  });

  it("refuses what is no address, stands for many, or is there", () => {
    const { farm, kept } = fixture({ builders: ["tcp://a:1"] });
    expect(codeOf(() => farm.add("a:1"))).to.equal("bad_address");
    expect(codeOf(() => farm.add("dns+tcp://a:1"))).to.equal("bad_address");
    expect(codeOf(() => farm.add("tcp://a:1"))).to.equal("exists");
    expect(kept.addedAddresses()).to.deep.equal([]);
  });

  it("drains a builder, also after a restart, until it is undrained", () => {
    const kept = new MemoryKept();
    const { events, farm } = fixture({ builders: ["tcp://a:1"], kept });
    farm.drain("tcp://a:1");
    farm.drain("tcp://a:1");
    expect(events).to.deep.equal(["changed tcp://a:1"]);
    const again = fixture({ builders: ["tcp://a:1"], kept }).farm;
    expect(again.builders[0]?.isDraining).to.equal(true);
    again.undrain("tcp://a:1");
    expect(again.builders[0]?.isDraining).to.equal(false);
    expect(kept.isDraining("tcp://a:1")).to.equal(false);
    expect(codeOf(() => farm.drain("tcp://b:1"))).to.equal("unknown");
  });

  it("removes a builder and all that is kept of it, but not the last one", async () => {
    const { clock, events, farm, kept, names, start } = fixture({ builders: ["tcp://a:1"] });
    await start();
    farm.add("tcp://b:1");
    farm.drain("tcp://b:1");
    farm.remove("tcp://b:1");
    await clock.advance(30_000);
    expect(names()).to.deep.equal(["tcp://a:1"]);
    expect(events.at(-1)).to.equal("removed tcp://b:1");
    expect([kept.added.size, kept.draining.size]).to.deep.equal([0, 0]);
    expect(codeOf(() => farm.removable("tcp://a:1"))).to.equal("last");
    await farm.close();
  });
});

describe("Farm, behind a name", () => {
  it("lets go of an address that is gone when nobody builds there", async () => {
    const { clock, events, farm, names, start, world } = fixture({ builders: ["dns+tcp://n:1"] });
    await start();
    world.busy.add("tcp://10.0.0.1:1");
    world.dns = ["10.0.0.3"];
    await clock.advance(20_000);
    expect(farm.find("tcp://10.0.0.2:1")?.isDraining).to.equal(true);
    await clock.advance(10_000);
    expect(names()).to.deep.equal(["tcp://10.0.0.1:1", "tcp://10.0.0.3:1"]);
    expect(farm.find("tcp://10.0.0.1:1")).to.include({ isDraining: true, resolvedFrom: "dns+tcp://n:1" });
    expect(events).to.include.members(["removed tcp://10.0.0.2:1", "changed tcp://10.0.0.1:1"]);
    world.busy.clear();
    await clock.advance(10_000);
    expect(names()).to.deep.equal(["tcp://10.0.0.3:1"]);
    await farm.close();
  });

  it("keeps an idle builder, and that it is drained, through lookups that leave it out now and then", async () => {
    const { clock, events, farm, kept, start, world } = fixture({ builders: ["dns+tcp://n:1"] });
    await start();
    const member = farm.find("tcp://10.0.0.1:1");
    farm.drain("tcp://10.0.0.2:1");
    for (let count = 0; count < 4; count++) {
      world.dns = [];
      await clock.advance(20_000);
      expect(member?.isDraining).to.equal(true);
      world.dns = ["10.0.0.2", "10.0.0.1"];
      await clock.advance(10_000);
      expect(member?.isDraining).to.equal(false);
    }
    expect(farm.find("tcp://10.0.0.1:1")).to.equal(member);
    expect(kept.isDraining("tcp://10.0.0.2:1")).to.equal(true);
    expect(events.filter((event) => event.startsWith("removed"))).to.be.empty;
    await farm.close();
  });

  it("leaves an address out that somebody removed, for as long as the name leads there", async () => {
    const { clock, farm, names, start, world } = fixture({ builders: ["dns+tcp://n:1"] });
    await start();
    farm.remove("tcp://10.0.0.1:1");
    await clock.advance(20_000);
    expect(names()).to.deep.equal(["tcp://10.0.0.2:1"]);
    const both = world.dns;
    for (const [missingMs, count] of [
      [20_000, 1],
      [30_000, 2],
    ] as const) {
      world.dns = ["10.0.0.2"];
      await clock.advance(missingMs);
      world.dns = both;
      await clock.advance(10_000);
      expect(names()).to.have.length(count);
    }
    await farm.close();
  });

  it("has a builder once that is an option and behind a name", async () => {
    const { farm, names, start } = fixture({ builders: ["tcp://10.0.0.1:1", "dns+tcp://n:1"] });
    await start();
    expect(names()).to.deep.equal(["tcp://10.0.0.1:1", "tcp://10.0.0.2:1"]);
    expect(farm.find("tcp://10.0.0.1:1")?.origin).to.equal("configured");
    await farm.close();
  });
});
