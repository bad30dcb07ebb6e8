/** What a fault or a delay of ours does to a call: nothing but a count. */
import { mock } from "node:test";
import { expect } from "chai";
import { Registry } from "prom-client";
import type { Builder } from "../farm/builder.js";
import { createLogger } from "../log/create-logger.js";
import { Guard, type Guarded } from "./guard.js";

const MESSAGE = Buffer.from("as it was");
const CHANGED = Buffer.from("changed");

const BUILDER: Builder = { address: "unix:///b.sock", dial: () => Promise.reject(new Error("nobody asks")) };

describe("Guard", () => {
  let registry: Registry;
  let lines: string[];
  let guard: Guard;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    [registry, lines] = [new Registry(), []];
    const stream = { write: (line: string) => lines.push(line) };
    guard = new Guard(registry, createLogger({ level: "warn", format: "json", stream }));
  });
  afterEach(() => {
    mock.timers.reset();
  });

  const failures = async (call: Guarded): Promise<number> => {
    const metric = await registry.getSingleMetric("memobuild_intercept_failures_total")?.get();
    return metric?.values.find(({ labels }) => labels["call"] === call)?.value ?? NaN;
  };
  const fail = (): never => {
    throw new Error("our fault");
  };

  it("gives the changed request, and counts nothing", async () => {
    expect(await guard.request("solve", () => Promise.resolve(CHANGED))(MESSAGE, BUILDER)).to.equal(CHANGED);
    // Its time limit is over with it.
    mock.timers.tick(10_000);
    expect([await failures("solve"), lines]).to.deep.equal([0, []]);
  });

  for (const [what, change] of [
    ["fails", () => Promise.reject(new Error("our fault"))],
    ["throws", fail],
  ] as const) {
    it(`gives the same request where the change ${what}`, async () => {
      expect(await guard.request("return", change)(MESSAGE, BUILDER)).to.equal(MESSAGE);
      expect([await failures("return"), await failures("solve")]).to.deep.equal([1, 0]);
    });
  }

  it("gives the same request where the change is late, whatever becomes of it", async () => {
    let failLate: (error: Error) => void = () => undefined;
    const change = (): Promise<Buffer> => new Promise((_, reject) => (failLate = reject));
    let given: Buffer | undefined;
    const passed = guard
      .request("solve", change)(MESSAGE, BUILDER)
      .then((message) => (given = message));
    mock.timers.tick(2_999);
    await new Promise(setImmediate);
    expect(given).to.equal(undefined);
    mock.timers.tick(1);
    await passed;
    expect(given).to.equal(MESSAGE);
    failLate(new Error("later"));
    await new Promise(setImmediate);
    expect([await failures("solve"), lines.length]).to.deep.equal([1, 1]);
    expect(lines[0]).to.include("not done within 3 s");
  });

  it("gives the same response where the change throws", async () => {
    expect(guard.response("solve", () => CHANGED)(MESSAGE)).to.equal(CHANGED);
    expect(guard.response("solve", fail)(MESSAGE)).to.equal(MESSAGE);
    expect(await failures("solve")).to.equal(1);
  });

  it("tells whether a look went well", async () => {
    expect([guard.look("status", () => undefined), guard.look("status", fail)]).to.deep.equal([true, false]);
    expect(await failures("status")).to.equal(1);
  });

  it("counts every failure, and logs the first of each kind", async () => {
    for (const call of ["status", "status", "solve", "status"] as const) guard.look(call, fail);
    expect([await failures("status"), await failures("solve")]).to.deep.equal([3, 1]);
    expect(lines.map((line) => (JSON.parse(line) as { call: string }).call)).to.deep.equal(["status", "solve"]);
  });
});
