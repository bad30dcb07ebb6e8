/** Many builds of many clients while builders die, restart, are drained and cut off: each ends, and nothing is left. */
import { expect } from "chai";
import type { Outcome } from "../support/command.js";
import { poll, within } from "../support/poll.js";
import { SHELL } from "../system/world.js";
import { FarmWorld } from "./farm-world.js";
import { inParallel } from "./in-parallel.js";
import type { TestBuilder } from "./test-builder.js";

const BUILDS = 200;
const PROJECTS = 20;
const CLIENTS = 16;
const BUILDERS = 4;
const BUILD_TIMEOUT_MS = 60_000;
const PARTITION_MS = 20_000;
const ALL_TIMEOUT_MS = 150_000;
const SETTLED_TIMEOUT_MS = 30_000;
const RECORDED_TIMEOUT_MS = 60_000;
const BUILD_IS_LOST = "the build is lost with it";

/** One of so many takes a while, for the faults to meet builds that run. */
const SLOW_EACH = 5;
const QUICK = "FROM scratch\nCOPY . /\n";
const SLOW = `${SHELL}COPY . /src\nRUN sleep 1 && cat /src/file > /done\n`;

/** So many builds have ended when it happens. */
const FAULTS = { kill: 20, restart: 60, drain: 100, partition: 120 } as const;

/** Those that end builds: the kill, the restart and the partition. */
const LOSING_FAULTS = 3;

interface Ended {
  readonly index: number;
  readonly outcome: Outcome;
}

describe("200 builds on four builders that fail in turn", () => {
  let world: FarmWorld;
  let ended: readonly Ended[] = [];

  const build = async (index: number, client: number): Promise<Outcome> => {
    const project = `project-${index % PROJECTS}`;
    const isSlow = index % SLOW_EACH === 0;
    const files = { Dockerfile: isSlow ? SLOW : QUICK, file: `build ${index}\n` };
    const context = await world.context(`${index}/${project}`, files);
    const buildx = await world.client(client);
    return buildx.run(world.command(context), { timeoutMs: BUILD_TIMEOUT_MS });
  };

  /** In turn: what failed before stays as it is, but for the one that restarts. */
  const faults = (builders: readonly TestBuilder[]): Record<keyof typeof FAULTS, () => Promise<unknown>> => {
    const [killed, restarted, drained, partitioned] = builders;
    return {
      kill: async () => killed?.kill(),
      restart: async () => {
        await restarted?.shutDown();
        await restarted?.startAgain();
      },
      drain: () => world.desk.drain(drained?.address ?? ""),
      partition: async () => {
        partitioned?.network.pause();
        await new Promise((resolve) => setTimeout(resolve, PARTITION_MS));
        partitioned?.network.resume();
      },
    };
  };

  before(async function () {
    this.timeout(ALL_TIMEOUT_MS + SETTLED_TIMEOUT_MS);
    world = await FarmWorld.start({ builders: BUILDERS });
    const happening: Promise<unknown>[] = [];
    const results: Ended[] = [];
    const happen = faults(world.builders);
    const all = inParallel(CLIENTS, BUILDS, async (index, client) => {
      results.push({ index, outcome: await build(index, client) });
      for (const name of ["kill", "restart", "drain", "partition"] as const) {
        if (results.length === FAULTS[name]) happening.push(happen[name]());
      }
    });
    await within(all, ALL_TIMEOUT_MS, `${BUILDS} builds`);
    await Promise.all(happening);
    ended = results;
  });

  after(async () => {
    await world.stop();
  });

  const failed = (): readonly Ended[] => ended.filter(({ outcome }) => outcome.code !== 0);

  it("ends each in success, or says which builder was lost", () => {
    expect(ended).to.have.length(BUILDS);
    for (const { outcome, index } of failed()) {
      const what = `build ${index}: ${outcome.stderr}`;
      expect(outcome.stderr, what).to.match(/Unavailable/);
      expect(
        world.builders.some(({ address }) => outcome.stderr.includes(`memobuild: builder ${address}: `)),
        what,
      ).to.equal(true);
    }
  });

  it("loses no more builds than ran on what was lost", () => {
    expect(failed().length).to.be.at.most(CLIENTS * LOSING_FAULTS);
  });

  it("has the record of each, with its end", async () => {
    // A client that is lost in its preparations has not asked for its build yet.
    const builds = BUILDS - failed().filter(({ outcome }) => !outcome.stderr.includes(BUILD_IS_LOST)).length;
    // Those that ended on builders that are silent are asked for there first.
    const recorded = await poll(
      () => world.all(),
      (all) => all.length >= builds && all.every(({ outcome }) => outcome !== "running"),
      { what: `${builds} builds are recorded`, timeoutMs: RECORDED_TIMEOUT_MS, intervalMs: 500 },
    );
    const succeeded = recorded.filter(({ outcome }) => outcome === "succeeded");
    expect(succeeded).to.have.length(BUILDS - failed().length);
    // A builder that is shut down cancels what it builds.
    const others = recorded.filter(({ outcome }) => !["succeeded", "failed", "canceled"].includes(outcome));
    expect(others).to.be.empty;
  });

  it("builds what failed when it is run again", async () => {
    for (const { index } of failed()) {
      const { code, stderr } = await build(index, 0);
      expect(code, stderr).to.equal(0);
    }
  });

  it("leaves no call, connection, place or job behind", async () => {
    const left = async (): Promise<Record<string, number>> => {
      const series = await world.series();
      const kept =
        /^memobuild_(relay_calls_in_flight|builder_clients|queue_waiting|relay_connections\{|cache_export_jobs)/;
      return Object.fromEntries([...series].filter(([name, value]) => kept.test(name) && value !== 0));
    };
    await poll(left, (things) => Object.keys(things).length === 0, {
      what: "nothing is left",
      timeoutMs: SETTLED_TIMEOUT_MS,
    });
    const { code, stdout } = await (await world.client(0)).run(["history", "ls", "--format", "{{.Status}}"]);
    expect(code).to.equal(0);
    expect(stdout.toString().trim().split("\n")).to.include("Completed").and.not.to.include("Running");
  });
});
