/** How the address of the registry is found and proven, with a real registry and a builder that does as it is told. */
import { once } from "node:events";
import { createServer } from "node:http";
import { mock } from "node:test";
import { expect } from "chai";
import type { HostPort } from "../config/host-port.js";
import { createLogger } from "../log/create-logger.js";
import { send, startTestRegistry, type TestRegistry } from "../test/support/cache-registry.js";
import { startFakeGateway, type FakeGateway } from "../test/support/fake-gateway.js";
import { freePort } from "../test/support/free-port.js";
import { poll } from "../test/support/poll.js";
import { addressFor, RegistryReach } from "./registry-reach.js";

describe("addressFor", () => {
  const port = 5000;

  it("is the registry's own for a builder on this machine", () => {
    expect(addressFor({ host: "127.0.0.1", port }, undefined)).to.deep.equal({ host: "127.0.0.1", port });
    expect(addressFor({ host: "0.0.0.0", port }, "127.0.0.1")).to.deep.equal({ host: "127.0.0.1", port });
    expect(addressFor({ host: "::", port }, undefined)).to.deep.equal({ host: "127.0.0.1", port });
  });

  it("is our end of the connection to a builder elsewhere", () => {
    expect(addressFor({ host: "0.0.0.0", port }, "192.0.2.7")).to.deep.equal({ host: "192.0.2.7", port });
    expect(addressFor({ host: "::", port }, "::ffff:192.0.2.7")).to.deep.equal({ host: "192.0.2.7", port });
    expect(addressFor({ host: "192.0.2.9", port }, "192.0.2.7")).to.deep.equal({ host: "192.0.2.9", port });
  });

  it("is none for a builder elsewhere when the registry listens on loopback", () => {
    expect(addressFor({ host: "127.0.0.1", port }, "192.0.2.7")).to.equal(undefined);
  });
});

describe("RegistryReach", () => {
  const PROBE_TIMEOUT_MS = 10_000;
  const RETRY_MS = 30_000;
  let world: TestRegistry;
  let gateway: FakeGateway;
  let lines: string[];
  let changes: boolean[];
  let nowMs: number;
  let reach: RegistryReach | undefined;
  /** What the builder was asked to look into. */
  let asked: string[];

  beforeEach(async () => {
    world = await startTestRegistry(Infinity);
    gateway = await startFakeGateway(world.dir);
    [lines, changes, asked, nowMs, reach] = [[], [], [], 0, undefined];
    gateway.resolve = come;
  });
  afterEach(async () => {
    mock.timers.reset();
    await reach?.close();
    await gateway.close();
    await world.close();
  });

  /** The builder does what it is asked to. */
  const come = async (source: string): Promise<unknown> => {
    asked.push(source);
    const [, address = "", repository = "", tag = ""] = /^docker-image:\/\/([^/]+)\/(.+):(.+)$/.exec(source) ?? [];
    return send(`http://${address}`, "GET", `/v2/${repository}/manifests/${tag}`);
  };
  const doNotCome = (source: string): Promise<never> => {
    asked.push(source);
    return Promise.reject(new Error("connection refused"));
  };
  const create = (advertise?: HostPort): RegistryReach => {
    const { hostname, port } = new URL(world.base);
    reach = new RegistryReach({
      builder: gateway.builder,
      registry: { address: { host: hostname, port: Number(port) }, expectProbe: () => world.registry.expectProbe() },
      ...{ advertise, messages: gateway.messages, now: () => nowMs },
      onChange: (isReachable) => changes.push(isReachable),
      logger: createLogger({ level: "info", format: "json", stream: { write: (line) => lines.push(line) } }),
    });
    return reach;
  };
  const address = (): string => new URL(world.base).host;
  /** Turns of the event loop, which a mocked clock does not hold up. */
  const untilChanged = async (count: number): Promise<void> => {
    const deadlineMs = performance.now() + 1_500;
    while (changes.length < count) {
      if (performance.now() > deadlineMs) throw new Error(`no change ${count} but ${JSON.stringify(changes)}`);
      await new Promise(setImmediate);
    }
  };
  const untilAsked = async (count: number): Promise<void> => {
    const deadlineMs = performance.now() + 1_500;
    while (asked.length < count) {
      if (performance.now() > deadlineMs) throw new Error(`asked for ${asked.length} sources`);
      await new Promise(setImmediate);
    }
  };

  it("knows no address before the builder came up", async () => {
    expect(await create().address()).to.equal(undefined);
    expect(asked).to.have.length(0);
  });

  it("gives the address when the builder came, which a build waits for", async () => {
    const made = create();
    made.builderUp();
    expect(await made.address()).to.equal(address());
    expect(changes).to.deep.equal([true]);
    expect(lines.join("")).to.include("cache reachable");
    // The place is for one probe.
    await come(asked[0] ?? "");
    expect(await world.metric("memobuild_registry_requests_total", { operation: "probe" })).to.equal(1);
  });

  it("gives none when the builder does not come, says what to set, and tries again", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    gateway.resolve = doNotCome;
    const made = create();
    made.builderUp();
    await untilChanged(1);
    expect(await made.address()).to.equal(undefined);
    expect(lines.join("")).to.include("connection refused").and.to.include("--cache-advertise");
    gateway.resolve = come;
    mock.timers.tick(RETRY_MS);
    await untilChanged(2);
    expect([await made.address(), changes]).to.deep.equal([address(), [false, true]]);
  });

  it("tries again later each time, and soon again after it was reached", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    gateway.resolve = doNotCome;
    const made = create();
    made.builderUp();
    await untilChanged(1);
    for (const [tries, waitMs] of [1_000, 2_000, 4_000].entries()) {
      mock.timers.tick(waitMs - 1);
      await new Promise(setImmediate);
      expect(asked).to.have.length(tries + 1);
      mock.timers.tick(1);
      await untilChanged(tries + 2);
    }
    gateway.resolve = come;
    made.builderUp();
    await untilChanged(5);
    gateway.resolve = doNotCome;
    made.builderUp();
    await untilChanged(6);
    gateway.resolve = come;
    mock.timers.tick(1_000);
    await untilChanged(7);
    expect(changes).to.deep.equal([false, false, false, false, true, false, true]);
  });

  it("says so when the builder is silent", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    gateway.resolve = (source) => {
      asked.push(source);
      return new Promise(() => undefined);
    };
    create().builderUp();
    await untilAsked(1);
    mock.timers.tick(PROBE_TIMEOUT_MS);
    await untilChanged(1);
    expect(changes).to.deep.equal([false]);
    expect(lines.join("")).to.include("the builder did not come within 10 s");
  });

  it("is not taken in by something else at the address", async () => {
    gateway.resolve = (source) => {
      asked.push(source);
      return Promise.resolve();
    };
    const made = create();
    made.builderUp();
    expect(await made.address()).to.equal(undefined);
    expect(lines.join("")).to.include("something else answers there");
  });

  it("proves it anew when the builder went down during a probe and came up", async () => {
    let answerFirst: () => void = () => undefined;
    gateway.resolve = (source) => {
      asked.push(source);
      return new Promise<void>((resolve) => (answerFirst = resolve));
    };
    const made = create();
    made.builderUp();
    await untilAsked(1);
    made.builderDown();
    gateway.resolve = come;
    made.builderUp();
    expect(await made.address()).to.equal(address());
    answerFirst();
    await new Promise(setImmediate);
    expect([changes, await made.address()]).to.deep.equal([[false, true], address()]);
  });

  it("gives none while the builder is down", async () => {
    const made = create();
    made.builderUp();
    await made.address();
    made.builderDown();
    expect(await made.address()).to.equal(undefined);
    expect(changes).to.deep.equal([true, false]);
  });

  it("ends a probe under way when the builder goes down", async () => {
    gateway.resolve = (source) => {
      asked.push(source);
      return new Promise(() => undefined);
    };
    const made = create();
    made.builderUp();
    await untilAsked(1);
    made.builderDown();
    await poll(
      () => gateway.cancelled,
      (count) => count === 1,
      { what: "the probe has ended", timeoutMs: 1_000, intervalMs: 2 },
    );
    expect([await made.address(), changes]).to.deep.equal([undefined, [false]]);
  });

  it("renews a proof that is old, behind the builds", async () => {
    const made = create();
    made.builderUp();
    await made.address();
    nowMs += 30_000;
    expect([await made.address(), asked.length]).to.deep.equal([address(), 1]);
    nowMs += 1;
    gateway.resolve = doNotCome;
    expect(await made.address()).to.equal(address());
    await untilChanged(2);
    expect([await made.address(), asked.length, changes]).to.deep.equal([undefined, 2, [true, false]]);
  });

  it("gives none when an advertised address answers no longer, until it does", async () => {
    const front = createServer((_, response) => response.end()).listen(0, "127.0.0.1");
    await once(front, "listening");
    const bound = front.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : 0;
    // Whatever stands before the registry sends requests on to it.
    gateway.resolve = (source) => come(source.replace(`127.0.0.1:${port}`, address()));
    const made = create({ host: "127.0.0.1", port });
    made.builderUp();
    expect(await made.address()).to.equal(`127.0.0.1:${port}`);
    gateway.resolve = doNotCome;
    front.close();
    front.closeAllConnections();
    expect(await made.address()).to.equal(undefined);
    expect(lines.join("")).to.include(`127.0.0.1:${port} answers no longer`);
    await untilChanged(3);
    expect([changes, await made.address()]).to.deep.equal([[true, false, false], undefined]);
  });

  it("trusts the builder's word on an advertised address that we do not reach", async () => {
    const port = await freePort();
    gateway.resolve = (source) => come(source.replace(`127.0.0.1:${port}`, address()));
    const made = create({ host: "127.0.0.1", port });
    made.builderUp();
    expect(await made.address()).to.equal(`127.0.0.1:${port}`);
  });

  it("stops a probe when it is closed", async () => {
    gateway.resolve = (source) => {
      asked.push(source);
      return new Promise(() => undefined);
    };
    const made = create();
    made.builderUp();
    await untilAsked(1);
    await made.close();
    made.builderUp();
    expect([changes, asked.length]).to.deep.equal([[], 1]);
  });
});
