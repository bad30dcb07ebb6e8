/** Builds that do not end by themselves: their clients, their builder or MemoBuild itself are gone. */
import { once } from "node:events";
import { createServer } from "node:http";
import { expect } from "chai";
import { poll, within } from "../support/poll.js";
import { useBuildsWorld } from "./builds-world.js";
import { logOf, slowDockerfile, SLOW_STEP, startSlowBuild, type SlowBuild } from "./slow-build.js";

const TICKS = 60;
/** Until then what there is of a build was kept once. */
const TICKS_UNTIL_KEPT = 7;
const END_TIMEOUT_MS = 30_000;

describe("a build that is interrupted", () => {
  const world = useBuildsWorld();

  const begin = async (project: string, ticks = 1): Promise<SlowBuild & { readonly cursor: string }> => {
    const context = await world().context(project, { Dockerfile: slowDockerfile(TICKS, project) });
    const { cursor } = await world().builds.eventsAfter(undefined, 0);
    return { cursor, ...(await startSlowBuild(world(), context, ticks)) };
  };

  for (const [signal, how] of [
    ["SIGKILL", "is killed"],
    ["SIGINT", "is told to stop"],
  ] as const)
    it(`is canceled where its client ${how}`, async () => {
      const { client, cursor } = await begin(`client-${signal.toLowerCase()}`);
      client.signal(signal);
      await within(client.exited, END_TIMEOUT_MS, "the client's end");
      const [record] = await world().endedSince(cursor, 1);
      expect(record).to.include({ outcome: "canceled", error: "" });
      expect(record?.steps.find(({ name }) => SLOW_STEP.test(name))).to.include({ result: "canceled" });
      expect(record?.steps.filter(({ result }) => result === "ran")).to.have.length.above(2);
      expect(await logOf(world(), record?.ref ?? "")).to.include("tick 1");
    });

  it("is failed where its builder dies, and says so", async () => {
    const asked: string[] = [];
    // Never answers, so that the builder is at work, and in no container.
    const server = createServer(({ url }) => void asked.push(url ?? ""));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    try {
      const dockerfile = `FROM scratch\nADD http://127.0.0.1:${port}/endless /\n`;
      const context = await world().context("builder-killed", { Dockerfile: dockerfile });
      const { cursor } = await world().builds.eventsAfter(undefined, 0);
      const client = world().buildx.start(world().command(context));
      await poll(
        () => asked,
        ({ length }) => length > 0,
        { what: "the builder fetches the file" },
      );
      await world().killDaemon();
      expect((await within(client.exited, END_TIMEOUT_MS, "the client's end")).code).to.not.equal(0);
      const [record] = await world().endedSince(cursor, 1);
      expect(record).to.include({ outcome: "failed" });
      expect(record?.error).to.match(/builder|connection/);
      expect(record?.steps.map(({ result }) => result))
        .to.include("canceled")
        .and.to.not.include("running");
    } finally {
      server.closeAllConnections();
      server.close();
      await world().startDaemon();
    }
  });

  it("is lost where MemoBuild is killed, with the steps and the log that were kept; what was recorded before stays", async () => {
    const before = await world().all();
    const records = await Promise.all(before.map(({ ref }) => world().builds.build(ref)));
    const logs = await Promise.all(before.map(({ ref }) => logOf(world(), ref)));
    const { client, build } = await begin("memobuild-killed", TICKS_UNTIL_KEPT);
    await world().kill();
    await within(client.exited, END_TIMEOUT_MS, "the client's end");
    await world().startAgain();

    const [lost, ...others] = await world().all();
    expect(others).to.deep.equal(before);
    expect(await Promise.all(before.map(({ ref }) => world().builds.build(ref)))).to.deep.equal(records);
    expect(await Promise.all(before.map(({ ref }) => logOf(world(), ref)))).to.deep.equal(logs);
    expect(lost).to.include({ ref: build.ref, outcome: "lost", project: "memobuild-killed" });
    expect(lost?.endedAtMs).to.be.above(build.startedAtMs);
    const record = await world().builds.build(build.ref);
    expect(record.steps.filter(({ result }) => result === "ran")).to.have.length.above(2);
    expect(record.steps.map(({ result }) => result)).to.not.include("running");
    expect(await logOf(world(), build.ref)).to.match(/tick 1 [^]*tick 5 /);
    expect(
      world()
        .memoBuild.logs()
        .filter(({ msg }) => String(msg).includes("lost")),
    ).to.have.length(1);
  });

  it("is no hindrance: MemoBuild that starts again has all of them, and records the next one", async () => {
    const before = await world().all();
    expect(before.map(({ outcome }) => outcome)).to.deep.equal(["lost", "failed", "canceled", "canceled"]);
    await world().restart();
    expect(await world().all()).to.deep.equal(before);
    const context = await world().context("after", { Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
    const record = await world().recordOf(() => world().build(context));
    expect(record.outcome).to.equal("succeeded");
    const pages: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await world().builds.list({ limit: 2, cursor });
      pages.push(...page.builds.map(({ ref }) => ref));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(pages).to.deep.equal([record.ref, ...before.map(({ ref }) => ref)]);
  });
});
