/** Where builds go: back to where their project was built, elsewhere when that changes, and into a queue when all are full. */
import { expect } from "chai";
import type { BuildSummary } from "../../builds/build-record.js";
import type { Running } from "../support/command.js";
import { poll } from "../support/poll.js";
import { growth } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { inParallel } from "./in-parallel.js";
import { useFarmWorld, type FarmWorld } from "./farm-world.js";

const RETURNS_SHARE_MIN = 0.95;
const MOVED_SLACK = 0.05;
const WAITING = "memobuild_queue_waiting";
const NOTICE = "memobuild: waiting for a builder, 0 ahead";
const SHOWN_TIMEOUT_MS = 20_000;

const QUICK = "FROM scratch\nCOPY . /\n";
const slowDockerfile = (seconds: number): string => `${SHELL}RUN echo begun && sleep ${seconds}\n`;

/** Of the placements that follow a project's first, the share on a builder that had built it before. */
function returnsShare(latestFirst: readonly BuildSummary[]): number {
  const homes = new Map<string, Set<string>>();
  let follow = 0;
  let returns = 0;
  for (const { builder, project } of [...latestFirst].reverse()) {
    const known = homes.get(project);
    if (known !== undefined) {
      follow++;
      if (known.has(builder)) returns++;
    }
    homes.set(project, (known ?? new Set()).add(builder));
  }
  return follow === 0 ? 0 : returns / follow;
}

/** Where the latest build of each project ran. */
function homesOf(latestFirst: readonly BuildSummary[]): Map<string, string> {
  return new Map([...latestFirst].reverse().map(({ builder, project }) => [project, builder]));
}

describe("projects on three builders", () => {
  const world = useFarmWorld({ builders: 3 });
  const projects = 20;
  const clients = 4;

  /** Each project once, by several clients at a time. */
  const round = async (name: string): Promise<void> => {
    await inParallel(clients, projects, async (index, client) => {
      const files = { Dockerfile: QUICK, file: `${name} of ${index}\n` };
      const context = await world().context(`${name}/project-${index}`, files);
      const { code, stderr } = await (await world().client(client)).run(["build", context]);
      expect(code, stderr).to.equal(0);
    });
  };

  it("return to the builder that built them, also when several clients build at once", async () => {
    for (const name of ["first", "second", "third"]) await round(name);
    const builds = await world().ended();
    expect(builds).to.have.length(3 * projects);
    expect(returnsShare(builds)).to.be.at.least(RETURNS_SHARE_MIN);
    // Else it were no wonder.
    expect(new Set(homesOf(builds).values()).size).to.equal(3);
  });

  it("return to it after a restart of MemoBuild", async () => {
    const before = homesOf(await world().ended());
    await world().restart();
    await world().allUp(3);
    await round("restarted");
    const after = homesOf(await world().ended());
    const moved = [...after].filter(([project, builder]) => before.get(project) !== builder);
    expect(moved.length / projects).to.be.at.most(1 - RETURNS_SHARE_MIN);
  });

  it("stay where they are when a builder joins", async () => {
    const before = homesOf(await world().ended());
    const { address } = await world().newBuilder();
    const added = await world().memobuild("builders", "add", address);
    expect(added.code, added.stderr).to.equal(0);
    await world().allUp(4);
    await round("joined");
    const after = homesOf(await world().ended());
    const moved = [...after].filter(([project, builder]) => before.get(project) !== builder);
    expect(moved.length / projects).to.be.at.most(1 / 3 + MOVED_SLACK);
  });
});

/** Starts a build that takes so long, and returns when its slow step runs. */
async function occupy(world: FarmWorld, name: string, seconds: number): Promise<Running> {
  const context = await world.context(`busy/${name}`, { Dockerfile: slowDockerfile(seconds), salt: name });
  const running = (await world.client(0)).start(world.command(context, "--no-cache"));
  await poll(
    () => running.output(),
    (output) => /^#\d+ [\d.]+ begun/m.test(output),
    { what: "the slow step has begun", timeoutMs: SHOWN_TIMEOUT_MS },
  );
  return running;
}

async function shows(running: Running, text: string): Promise<void> {
  await poll(
    () => running.output(),
    (output) => output.includes(text),
    { what: `the progress shows ${text}`, timeoutMs: SHOWN_TIMEOUT_MS },
  );
}

describe("a builder for one client at a time", () => {
  const world = useFarmWorld({ builders: 1, args: ["--builder-max-clients", "1"] });

  const waiter = async (name: string, ...args: string[]): Promise<Running> => {
    const context = await world().context(`waiting/${name}`, { Dockerfile: QUICK, file: name });
    return (await world().client(1)).start(["build", ...args, context]);
  };

  for (const progress of ["plain", "rawjson"]) {
    it(`tells the next in ${progress} progress that it waits, and serves it in its turn`, async () => {
      const busy = await occupy(world(), progress, 4);
      const next = await waiter(progress, `--progress=${progress}`);
      await shows(next, NOTICE);
      const { code, stderr } = await next.exited;
      expect(code, stderr).to.equal(0);
      // Plain progress may skip it, as it prints a step anew only after others.
      if (progress === "rawjson") expect(stderr).to.include("memobuild: building on ");
      expect((await busy.exited).code).to.equal(0);
    });
  }

  it("lets it wait longer than clients wait for an answer", async () => {
    const busy = await occupy(world(), "long", 24);
    const next = await waiter("long");
    await shows(next, NOTICE);
    const { code, stderr } = await next.exited;
    expect(code, stderr).to.equal(0);
    expect((await busy.exited).code).to.equal(0);
  });

  it("forgets one that is interrupted while it waits", async () => {
    const busy = await occupy(world(), "interrupted", 10);
    const next = await waiter("interrupted");
    await shows(next, NOTICE);
    expect((await world().series()).get(WAITING)).to.equal(1);
    next.signal("SIGINT");
    await poll(
      () => world().series(),
      (series) => series.get(WAITING) === 0,
      { what: "nobody waits", timeoutMs: 3_000 },
    );
    expect((await next.exited).code).not.to.equal(0);
    expect((await busy.exited).code).to.equal(0);
  });
});

describe("--queue-timeout", () => {
  const world = useFarmWorld({ builders: 1, args: ["--builder-max-clients", "1", "--queue-timeout", "2s"] });

  it("ends a build that waits longer, and keeps it in the record", async () => {
    const busy = await occupy(world(), "timeout", 10);
    const before = await world().series();
    const context = await world().context("late", { Dockerfile: QUICK });
    const { code, stderr } = await (await world().client(1)).run(["build", context]);
    expect(code).to.equal(1);
    expect(stderr).to.match(
      /Unavailable.*memobuild: no builder was free within 2 s: 1 builder takes at most 1 client each/,
    );
    const after = await world().series();
    expect(growth(before, after, "memobuild_queue_refused_total")).to.deep.equal({ timeout: 1 });
    expect((await busy.exited).code).to.equal(0);
    const [late] = await world().ended("late");
    expect(late).to.include({ outcome: "failed" });
    expect(late?.error).to.include("no builder was free within 2 s");
  });
});
