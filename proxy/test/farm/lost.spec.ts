/** Builders that are lost: a build that nobody has noticed yet moves, another one ends with what there is to know. */
import { expect } from "chai";
import type { BuildSummary } from "../../builds/build-record.js";
import { poll } from "../support/poll.js";
import { SHELL } from "../system/world.js";
import { useFarmWorld, type FarmWorld } from "./farm-world.js";
import type { TestBuilder } from "./test-builder.js";

const JOBS = "memobuild_cache_export_jobs";
const SHOWN_TIMEOUT_MS = 30_000;
const PROJECTS_MAX = 12;
const QUICK = "FROM scratch\nCOPY . /\n";

/** Each `RUN` is a step of its own, for the first to be found again. */
const twoSteps = (salt: string): string =>
  `${SHELL}RUN echo first ${salt} > /first\nCOPY change /\nRUN echo begun && sleep 30\n`;

async function homeOf(world: FarmWorld, project: string): Promise<BuildSummary> {
  const [latest] = await world.ended(project);
  if (latest === undefined) throw new Error(`${project} was built`);
  return latest;
}

interface Built {
  readonly project: string;
  readonly context: string;
  readonly home: string;
}

/** A project that was built elsewhere than on the first builder, with which clients begin. */
async function builtElsewhere(world: FarmWorld, name: string): Promise<Built> {
  const [first] = world.builders;
  for (let index = 0; index < PROJECTS_MAX; index++) {
    const project = `${name}-${index}`;
    const context = await world.context(project, { Dockerfile: QUICK, file: project });
    await world.build(context);
    const { builder: home } = await homeOf(world, project);
    if (home !== first?.address) return { project, context, home };
  }
  throw new Error(`of ${PROJECTS_MAX} projects, one goes to another builder than the first`);
}

async function exported(world: FarmWorld): Promise<void> {
  await poll(
    () => world.series(),
    (series) => series.get(JOBS) === 0,
    { what: "all exports have ended", timeoutMs: SHOWN_TIMEOUT_MS },
  );
}

/** Builds it until its last step runs, and kills the builder then. */
async function killedInStep(world: FarmWorld, context: string, project: string) {
  const running = (await world.client()).start(world.command(context));
  await poll(
    () => running.output(),
    (output) => /^#\d+ [\d.]+ begun/m.test(output),
    { what: "the last step runs", timeoutMs: SHOWN_TIMEOUT_MS },
  );
  const address = await world.homeOf(project);
  await world.builderAt(address).kill();
  return { address, outcome: await running.exited };
}

describe("a builder that is lost before anybody noticed", () => {
  const world = useFarmWorld({ builders: 3 });

  /** With what a check just now said of the builder, which is lost then. */
  const expectMoved = async (name: string, lose: (builder: TestBuilder) => Promise<void>): Promise<string> => {
    const { context, home, project } = await builtElsewhere(world(), name);
    await world().desk.report();
    await lose(world().builderAt(home));
    const { stderr } = await world().build(context, "--no-cache");
    expect(stderr).not.to.match(/error|Unavailable/i);
    // By a move, or because its client's first question, which may go there too, found it out: that is by chance.
    expect((await homeOf(world(), project)).builder).not.to.equal(home);
    return home;
  };

  it("gives its build to another one when it closes what it accepts", async () => {
    const home = await expectMoved("closing", (builder) => builder.kill());
    await world().builderAt(home).startAgain();
    await world().allUp(3);
  });

  it("gives its build to another one when it refuses connections", async () => {
    const home = await expectMoved("refusing", ({ network }) => network.refuse());
    await world().builderAt(home).network.open();
  });
});

describe("a builder that is killed in the middle of a step", () => {
  const world = useFarmWorld({ builders: 2 });

  it("ends the build with its name, and the next attempt finds the shared cache", async () => {
    const project = "lost";
    // Its first steps are exported.
    const files = { Dockerfile: twoSteps("one"), change: "0" };
    const context = await world().context(project, { ...files, Dockerfile: `${SHELL}RUN echo first one > /first\n` });
    await world().build(context);
    await exported(world());
    await world().context(project, files);
    const { address, outcome } = await killedInStep(world(), context, project);
    expect(outcome.code).to.equal(1);
    expect(outcome.stderr, outcome.stderr).to.match(
      new RegExp(
        `Unavailable.*memobuild: builder ${address}: .+; the build is lost with it: ` +
          "run it again, and it finds what the shared cache has",
      ),
    );
    const [lost] = await world().ended(project);
    expect(lost).to.include({ builder: address, outcome: "failed" });
    await world().context(project, { Dockerfile: twoSteps("one").replace("sleep 30", "true") });
    const again = await world().build(context);
    expect(again.code, again.stderr).to.equal(0);
    // Those that were exported before; where they came from is known a moment behind the build.
    await poll(
      () => world().ended(project),
      (builds) => builds.length === 3 && builds[0]?.counts.cachedShared === 3,
      { what: "the retry has its first steps from the shared cache" },
    );
    expect((await homeOf(world(), project)).builder).not.to.equal(address);
  });
});
