/** buildctl's builds and questions, which it asks without the probe that buildx sends first. */
import { join } from "node:path";
import { expect } from "chai";
import { listing } from "../support/listing.js";
import { errorOf, progressOf, rowsOf } from "./progress.js";
import { SHELL, useWorlds, type World } from "./world.js";

describe("buildctl through MemoBuild", () => {
  const worlds = useWorlds();

  const build = async (
    world: World,
    context: string,
    ...args: string[]
  ): Promise<{ code: number; progress: string[]; error: string[] }> => {
    const locals = [
      "--local",
      `context=${context}`,
      "--local",
      `dockerfile=${context}`,
      "--local",
      `tools=${join(worlds().shared, "tools")}`,
    ];
    const options = ["--frontend", "dockerfile.v0", "--opt", "context:tools=local:tools", "--progress", "plain"];
    const { code, stderr } = await world.buildctl(["build", ...options, ...locals, ...args]);
    return { code, progress: progressOf(stderr), error: errorOf(stderr) };
  };

  it("builds into local files", async () => {
    const context = await worlds().context("ctl", {
      Dockerfile: `${SHELL}RUN echo built > /built\nFROM scratch\nCOPY --from=shell /built /\n`,
    });
    const seen = await worlds().same(async (world) => ({
      ...(await build(world, context, "--output", "type=local,dest=out")),
      files: await listing(join(world.dir, "out")),
    }));
    expect(seen.code).to.equal(0);
    expect(seen.files).to.have.length(1);
  });

  it("shows how a build fails", async () => {
    const context = await worlds().context("ctl-bad", { Dockerfile: `${SHELL}RUN exit 9\n` });
    const seen = await worlds().same((world) => build(world, context));
    expect(seen.code).to.equal(1);
    expect(seen.error.join("\n")).to.include("   4 | >>> RUN exit 9").and.include("exit code: 9");
  });

  for (const question of [
    ["debug", "workers"],
    ["debug", "info"],
    ["debug", "histories"],
    ["du"],
    ["prune", "--all"],
  ]) {
    it(`answers ${question.join(" ")}`, async () => {
      const seen = await worlds().same(async (world) => {
        const { code, stdout, stderr } = await world.buildctl(question);
        expect(code, stderr).to.equal(0);
        // What was exported, as to the shared cache, is no longer marked as mutable; a record's generation grows some
        // time after its build.
        const rows = rowsOf(stdout.toString().replaceAll("*", ""));
        return rows.map((row) => row.replace(/^(COMPLETE .*) \d+$/, "$1")).sort();
      });
      expect(seen.join("")).to.not.equal("");
    });
  }
});
