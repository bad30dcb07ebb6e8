/** Builds that end badly, and a MemoBuild that ends: what becomes of the export. */
import { join } from "node:path";
import { expect } from "chai";
import { poll, within } from "../support/poll.js";
import { processes } from "../support/processes.js";
import { growth } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { useCacheWorld } from "./cache-world.js";
import { SLOW_TO_EXPORT, SLOW_TO_EXPORT_STEPS } from "./project.js";
import { stepsOf } from "./steps.js";

const JOBS = "memobuild_cache_export_jobs";
const UPLOADED = 'memobuild_registry_requests_total{operation="upload",code="201"}';
const EXIT_TIMEOUT_MS = 40_000;

describe("the export behind a build, when that ends", () => {
  const world = useCacheWorld();

  const expectNothingExported = async (project: string, action: () => Promise<unknown>): Promise<void> => {
    const uploaded = (await world().series()).get(UPLOADED);
    expect(await world().exportsOf(action)).to.deep.equal({ build_failed: 1 });
    expect((await world().series()).get(UPLOADED)).to.equal(uploaded);
    expect((await world().exports()).map((summary) => summary.project)).to.not.include(project);
  };

  it("does not come when the build fails", async () => {
    const context = await world().context("failing", { Dockerfile: `${SHELL}RUN echo done > /done\nRUN exit 3\n` });
    await expectNothingExported("failing", async () => {
      const { code } = await world().buildx.run(world().command(context));
      expect(code).to.equal(1);
    });
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it(`does not come when the client gets ${signal}, and nothing goes on running on the builder`, async () => {
      // The number makes the step's process known among all others.
      const seconds = { SIGINT: "31473", SIGKILL: "31474" }[signal];
      const project = `stop-${signal.toLowerCase()}`;
      const context = await world().context(project, { Dockerfile: `${SHELL}RUN sleep ${seconds}\n` });
      const isRunning = (): boolean =>
        processes().some(({ command }) => command.startsWith("sleep ") && command.endsWith(seconds));
      await expectNothingExported(project, async () => {
        const build = world().buildx.start(world().command(context));
        await poll(isRunning, Boolean, { what: "the step runs", timeoutMs: 30_000 });
        expect((await world().series()).get(JOBS)).to.equal(1);
        build.signal(signal);
        await build.exited;
      });
      await poll(isRunning, (running) => !running, { what: "the step is gone" });
    });
  }

  it("does not come for a Dockerfile that is only looked at", async () => {
    const context = await world().context("looked-at", { Dockerfile: SHELL });
    const before = await world().series();
    for (const call of ["check", "outline", "targets"]) await world().build(context, [`--call=${call}`]);
    const after = await world().series();
    expect(growth(before, after, "memobuild_cache_exports_total")).to.deep.equal({});
    expect(after.get(JOBS)).to.equal(0);
    // The same is exported once it is built.
    await world().publish(context);
  });

  it("does not come for a build without steps", async () => {
    const base = await world().context("base", { Dockerfile: SHELL });
    await world().publish(base, ["-o", "type=oci,dest=base,tar=false", "-t", "base:1"]);
    const context = await world().context("no-steps", { Dockerfile: 'FROM base\nCMD ["/bin/sh"]\n' });
    const before = await world().series();
    const layout = `base=oci-layout://${join(world().buildx.dir, "base")}:1`;
    await world().build(context, ["--build-context", layout, "-o", "type=oci,dest=no-steps.tar"]);
    const after = await world().series();
    expect(growth(before, after, "memobuild_cache_exports_total")).to.deep.equal({});
    expect(after.get(JOBS)).to.equal(0);
    expect(
      world()
        .memoBuild.logs()
        .map(({ msg }) => msg),
    ).to.not.include("cache not exported");
  });

  it("ends before MemoBuild does", async () => {
    const context = await world().context("stopped", { Dockerfile: SLOW_TO_EXPORT });
    await world().build(context);
    expect((await world().series()).get(JOBS)).to.equal(1);
    world().memoBuild.signal("SIGTERM");
    expect(await within(world().memoBuild.exited, EXIT_TIMEOUT_MS, "the exit of memobuild")).to.equal(0);
    await world().restart();
    expect((await world().exports()).map(({ project }) => project)).to.include("stopped");
    const { stderr } = await world().build(context);
    expect(stepsOf(stderr)).to.deep.equal({ cached: SLOW_TO_EXPORT_STEPS, done: [] });
  });
});
