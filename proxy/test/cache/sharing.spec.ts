/** Two builders share what is built on either of them. */
import { expect } from "chai";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../support/command.js";
import { growth, type Series } from "../support/series.js";
import { writeFiles } from "../support/temp-dir.js";
import { useCacheWorld } from "./cache-world.js";
import {
  PROJECT_STEPS,
  projectFiles,
  RANDOM_BYTES,
  SLOW_TO_EXPORT,
  SLOW_TO_EXPORT_BYTES,
  SLOW_TO_EXPORT_STEPS,
} from "./project.js";
import { ranOf, stepsOf, type Steps } from "./steps.js";

const BYTES = "memobuild_registry_bytes_total";
const IMPORTS = "memobuild_cache_imports_total";
/** Manifests and configs have fewer bytes, each of the random layers has more. */
const DOCUMENTS_MAX_BYTES = 64 << 10;

const sentBytes = (before: Series, after: Series): number => growth(before, after, BYTES)["out"] ?? 0;

describe("two builders that share a cache", () => {
  const world = useCacheWorld();

  it("find every step that the other has made, and fetch no layer that nobody wants", async () => {
    const context = await world().context("cold", projectFiles("cold"));
    const first = await world().publish(context);
    expect(stepsOf(first.stderr)).to.deep.equal({ cached: [], done: PROJECT_STEPS });
    await world().emptyBuilder();
    const before = await world().series();
    const second = await world().build(context);
    const after = await world().series();
    expect(stepsOf(second.stderr)).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
    expect(growth(before, after, IMPORTS)).to.deep.equal({ injected: 1 });
    expect(sentBytes(before, after)).to.be.within(1, DOCUMENTS_MAX_BYTES);
  });

  it("make the same image, of which only its own layers are fetched", async () => {
    const context = await world().context("image", projectFiles("image"));
    const [image, id] = [join(world().buildx.dir, "image.tar"), join(world().buildx.dir, "iid")];
    const output = ["-o", `type=oci,dest=${image}`, "--iidfile", id];
    await world().publish(context, output);
    const made = await readFile(id, "utf8");
    await world().emptyBuilder();
    const before = await world().series();
    const { stderr } = await world().build(context, output);
    const after = await world().series();
    expect(ranOf(stderr)).to.deep.equal([]);
    expect(await readFile(id, "utf8")).to.equal(made);
    const { size } = await stat(image);
    expect(sentBytes(before, after)).to.be.within(2 * RANDOM_BYTES, size + DOCUMENTS_MAX_BYTES);
  });

  it("run only the steps that depend on a file that was changed", async () => {
    const context = await world().context("change", projectFiles("change"));
    await world().publish(context);
    await world().emptyBuilder();
    await writeFiles(context, projectFiles("change", "two"));
    const { stderr } = await world().publish(context);
    expect(ranOf(stderr)).to.deep.equal(["app"]);
    // What comes before the changed steps is fetched, which buildx shows as done.
    expect(stepsOf(stderr).cached).to.include.members(["lib 1/2", "lib 2/2"]);
  });

  it("find everything of a branch again, after another branch was built", async () => {
    const branch = async (name: string): Promise<string> => world().context("branches", projectFiles("branches", name));
    await world().publish(await branch("a"));
    await world().emptyBuilder();
    expect(ranOf((await world().publish(await branch("b"))).stderr)).to.deep.equal(["app"]);
    await world().emptyBuilder();
    const { stderr } = await world().build(await branch("a"));
    expect(stepsOf(stderr)).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
  });

  it("share a build whose client left before its cache was written", async () => {
    const context = await world().context("left", { Dockerfile: SLOW_TO_EXPORT });
    const before = await world().series();
    await world().build(context);
    const atReturn = await world().series();
    expect(growth(before, atReturn, "memobuild_cache_exports_total")).to.deep.equal({});
    expect(atReturn.get("memobuild_cache_export_jobs")).to.equal(1);
    expect(await world().exportsSince(before)).to.deep.equal({ published: 1 });
    await world().emptyBuilder();
    const { stderr } = await world().build(context);
    expect(stepsOf(stderr)).to.deep.equal({ cached: SLOW_TO_EXPORT_STEPS, done: [] });
  });

  it("share across a restart of MemoBuild", async () => {
    const context = await world().context("restart", projectFiles("restart"));
    await world().publish(context);
    await world().restart();
    const exports = await world().exportsOf(async () => {
      const { stderr } = await world().build(context);
      expect(stepsOf(stderr)).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
    });
    // What was exported before the restart is not remembered; but no blob is uploaded again.
    expect(exports).to.deep.equal({ published: 1 });
  });

  it("export nothing where nothing is new", async () => {
    const context = await world().context("again", projectFiles("again"));
    await world().publish(context);
    const again = await world().exportsOf(() => world().build(context));
    expect(again).to.deep.equal({ unchanged: 1 });
  });

  it("share it in each project that builds the same", async () => {
    const files = projectFiles("same");
    await world().publish(await world().context("mine", files));
    const yours = await world().context("yours", files);
    await world().publish(yours);
    await world().emptyBuilder();
    const { stderr } = await world().build(yours);
    expect(stepsOf(stderr)).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
  });

  it("share builds of buildctl", async () => {
    const context = await world().context("buildctl", projectFiles("buildctl"));
    const locals = { context, dockerfile: context, tools: join(world().dir, "tools") };
    const build = async (): Promise<Steps> => {
      const { code, stderr } = await run("buildctl", [
        ...["--addr", `unix://${world().memoBuild.unixSocket}`, "build", "--progress", "plain"],
        ...["--frontend", "dockerfile.v0", "--opt", "context:tools=local:tools"],
        ...Object.entries(locals).flatMap(([name, dir]) => ["--local", `${name}=${dir}`]),
      ]);
      expect(code, stderr).to.equal(0);
      return stepsOf(stderr);
    };
    expect(await world().exportsOf(build)).to.deep.equal({ published: 1 });
    await world().emptyBuilder();
    expect(await build()).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
  });

  it("take each blob once from equal builds that run at once", async () => {
    const context = await world().context("three", { Dockerfile: SLOW_TO_EXPORT });
    await world().emptyBuilder();
    const known = (await world().api.usage()).blobBytes;
    const before = await world().series();
    const exports = await world().exportsOf(async () => {
      await Promise.all([1, 2, 3].map(() => world().build(context)));
    }, 3);
    // One stands for all; whether another is exported beside or after it does not matter.
    expect(exports).to.have.property("published");
    expect(["published", "duplicate", "unchanged"]).to.include.members(Object.keys(exports));
    const after = await world().series();
    const added = (await world().api.usage()).blobBytes - known;
    expect(added).to.be.greaterThan(SLOW_TO_EXPORT_BYTES);
    const { in: received = 0 } = growth(before, after, BYTES);
    expect(received).to.be.within(added, added + DOCUMENTS_MAX_BYTES);
  });
});
