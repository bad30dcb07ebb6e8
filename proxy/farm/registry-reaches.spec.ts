/** Which builders are said to reach the cache registry as they come and go, with a real registry and a builder that asks. */
import { expect } from "chai";
import { createLogger } from "../log/create-logger.js";
import { send, startTestRegistry, type TestRegistry } from "../test/support/cache-registry.js";
import { startFakeGateway, type FakeGateway } from "../test/support/fake-gateway.js";
import { memoryFarmBuilder } from "../test/support/farm-builders.js";
import { poll } from "../test/support/poll.js";
import type { FarmBuilder } from "./farm-builder.js";
import { RegistryReaches } from "./registry-reaches.js";

describe("RegistryReaches", () => {
  let world: TestRegistry;
  let gateway: FakeGateway;
  let changes: (readonly [string, boolean | undefined])[];
  let reaches: RegistryReaches;
  let builder: FarmBuilder;

  beforeEach(async () => {
    world = await startTestRegistry(Infinity);
    gateway = await startFakeGateway(world.dir);
    gateway.resolve = (source) => {
      const [, address = "", repository = "", tag = ""] = /^docker-image:\/\/([^/]+)\/(.+):(.+)$/.exec(source) ?? [];
      return send(`http://${address}`, "GET", `/v2/${repository}/manifests/${tag}`);
    };
    changes = [];
    builder = { ...memoryFarmBuilder("one"), ...gateway.builder };
    const { hostname, port } = new URL(world.base);
    reaches = new RegistryReaches({
      registry: { address: { host: hostname, port: Number(port) }, expectProbe: () => world.registry.expectProbe() },
      ...{ advertise: undefined, messages: gateway.messages, now: () => performance.now() },
      onChange: (address, isReachable) => changes.push([address, isReachable]),
      logger: createLogger({ level: "error", format: "json", stream: process.stderr }),
    });
  });
  afterEach(async () => {
    await reaches.close();
    await gateway.close();
    await world.close();
  });

  const states = (): (boolean | undefined)[] => changes.map(([, isReachable]) => isReachable);
  const untilReached = (): Promise<unknown> =>
    poll(states, (seen) => seen.at(-1) === true, { what: "it is reached", timeoutMs: 1_500 });

  it("knows no address for a builder before that is up, and none for a stranger", async () => {
    reaches.add(builder);
    expect([await reaches.address(builder), await reaches.address(memoryFarmBuilder("other"))]).to.deep.equal([
      ...[undefined, undefined],
    ]);
    expect(changes).to.deep.equal([[builder.address, false]]);
  });

  it("proves the address to a builder that comes up, and forgets it when that goes down", async () => {
    reaches.add(builder);
    reaches.builderUp(builder);
    await untilReached();
    expect(await reaches.address(builder)).to.equal(new URL(world.base).host);
    reaches.builderDown(builder);
    expect([await reaches.address(builder), states().at(-1)]).to.deep.equal([undefined, false]);
  });

  it("says nothing more of a builder that was removed, though a proof was under way", async () => {
    reaches.add(builder);
    reaches.builderUp(builder);
    reaches.forget(builder);
    reaches.builderUp(builder);
    reaches.builderDown(builder);
    await reaches.close();
    expect([await reaches.address(builder), states()]).to.deep.equal([undefined, [false, undefined]]);
  });

  it("begins anew with one that was removed and comes back", async () => {
    reaches.add(builder);
    reaches.builderUp(builder);
    await untilReached();
    reaches.forget(builder);
    const back = { ...builder };
    reaches.add(back);
    expect(await reaches.address(back)).to.equal(undefined);
    reaches.builderUp(back);
    await untilReached();
    expect(states()).to.deep.equal([false, true, undefined, false, true]);
  });
});
