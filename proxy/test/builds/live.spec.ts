/** What is seen of builds while they run is what happens, and is what is left of them at the end. */
import { join } from "node:path";
import { expect } from "chai";
import type { BuildEvent } from "../../builds/build-desk.js";
import { summaryOf } from "../../builds/summary-of.js";
import { poll, within } from "../support/poll.js";
import { useBuildsWorld } from "./builds-world.js";
import { logOf, slowDockerfile, SLOW_STEP, startSlowBuild } from "./slow-build.js";

const TICKS = 4;
const WAIT_MS = 1_000;
const END_TIMEOUT_MS = 30_000;

interface Followed {
  readonly events: readonly BuildEvent[];
  readonly stop: AbortController;
  readonly stopped: Promise<void>;
}

describe("a build that runs", () => {
  const world = useBuildsWorld();

  const followStream = (cursor: string): Followed => {
    const events: BuildEvent[] = [];
    const stop = new AbortController();
    const following = world().builds.followEvents(cursor, (page) => void events.push(...page.events), stop.signal);
    return { events, stop, stopped: following.catch(() => undefined) };
  };

  const followPages = (cursor: string): Followed => {
    const events: BuildEvent[] = [];
    const stop = new AbortController();
    const turn = async (): Promise<void> => {
      for (let after = cursor; !stop.signal.aborted;) {
        const page = await world().builds.eventsAfter(after, WAIT_MS, stop.signal);
        events.push(...page.events);
        after = page.cursor;
      }
    };
    return { events, stop, stopped: turn().catch(() => undefined) };
  };

  /** Settles when the build and its export have ended. */
  const untilOver = async ({ events, stop, stopped }: Followed): Promise<void> => {
    const isOver = (): boolean =>
      events.some(({ build, type }) => type === "exported" && build.export.result !== "pending");
    await poll(isOver, Boolean, { what: "the build is exported", timeoutMs: END_TIMEOUT_MS }).finally(() => {
      stop.abort();
    });
    await stopped;
  };

  it("is listed, with its steps as they are and its log as it grows, and ends as it was seen", async () => {
    const context = await world().context("slow", { Dockerfile: slowDockerfile(TICKS) });
    const { client, build } = await startSlowBuild(world(), context, 1);
    const early = await world().builds.build(build.ref);
    const log = await logOf(world(), build.ref);
    expect(client.output()).to.not.include(`tick ${TICKS}\n`);
    expect(log).to.not.include(`tick ${TICKS}\n`);
    expect(early).to.include({ outcome: "running", project: "slow", error: "" }).and.to.not.have.property("endedAtMs");
    expect((await world().api.status()).runningBuilds).to.equal(1);
    const slow = early.steps.find(({ name }) => SLOW_STEP.test(name));
    expect(slow).to.include({ result: "running", kind: "exec", stage: "shell" });
    const { code, stderr } = await within(client.exited, END_TIMEOUT_MS, "the end of the build");
    expect(code, stderr).to.equal(0);

    await poll(
      () => world().builds.build(build.ref),
      ({ steps }) => steps.some(({ cause }) => cause !== undefined),
      { what: "the record is final" },
    );
    const final = await world().builds.build(build.ref);
    expect(final.outcome).to.equal("succeeded");
    for (const { completedAtMs, digest, name, result, startedAtMs } of early.steps) {
      const later = final.steps.find((step) => step.digest === digest);
      expect(later).to.include({ name, startedAtMs });
      if (result === "ran" || result === "cached") expect(later).to.include({ result, completedAtMs });
    }
    const whole = await logOf(world(), build.ref);
    expect(whole.startsWith(log)).to.equal(true);
    expect(whole).to.equal([1, 2, 3, 4].map((tick) => `tick ${tick}\n`).join(""));
    await world().exported();
  });

  it("is told of by a stream as it is by pages, from its beginning to the end of its export", async () => {
    const context = await world().context("followed", { Dockerfile: slowDockerfile(2, "followed") });
    const { cursor } = await world().builds.eventsAfter(undefined, 0);
    const [stream, pages] = [followStream(cursor), followPages(cursor)];
    const { client, build } = await startSlowBuild(world(), context, 1);
    await within(client.exited, END_TIMEOUT_MS, "the end of the build");
    await untilOver(stream);
    await untilOver(pages);
    const events = stream.events.slice(0, pages.events.length);
    expect(events).to.deep.equal(pages.events.slice(0, stream.events.length));
    expect(events[0]).to.deep.include({ type: "started" }).and.to.have.nested.property("build.outcome", "running");
    const running = events.flatMap((event) => event.running.map(({ name }) => name));
    expect(running.some((name) => SLOW_STEP.test(name))).to.equal(true);
    expect(events.every((event) => event.build.ref === build.ref)).to.equal(true);
    const ended = events.find(({ type }) => type === "ended");
    const final = summaryOf(await world().builds.build(build.ref));
    // How the export went is known later.
    expect({ ...ended?.build, export: final.export }).to.deep.equal(final);
    expect(ended?.running).to.deep.equal([]);
    expect(events.at(-1)?.build).to.deep.equal(final);
  });

  it("is one of a group where a bake builds more than one", async () => {
    const context = await world().context("bake", {
      "one.Dockerfile": slowDockerfile(3, "one"),
      "two.Dockerfile": slowDockerfile(3, "two"),
      "docker-bake.hcl": `group default { targets = ["one", "two"] }
target one { 
  dockerfile = "one.Dockerfile"
  contexts = { tools = "${join(world().dir, "tools")}" }
}
target two {
  dockerfile = "two.Dockerfile"
  contexts = { tools = "${join(world().dir, "tools")}" }
}
`,
    });
    const client = world().buildx.start(["bake", "--no-cache", "--allow", `fs.read=${world().dir}`], { cwd: context });
    const isRunning = async (): Promise<readonly string[]> =>
      (await world().all()).filter(({ outcome }) => outcome === "running").map(({ group }) => group);
    const groups = await poll(isRunning, ({ length }) => length === 2, { what: "two builds run" });
    expect(groups[0]).to.equal(groups[1]);
    const { code, stderr } = await within(client.exited, END_TIMEOUT_MS, "the end of the bake");
    expect(code, stderr).to.equal(0);
    const { builds } = await world().builds.list({ limit: 10, group: groups[0] });
    expect(builds.map(({ dockerfile }) => dockerfile)).to.have.members(["one.Dockerfile", "two.Dockerfile"]);
    expect(builds.map(({ outcome }) => outcome)).to.deep.equal(["succeeded", "succeeded"]);
  });
});
