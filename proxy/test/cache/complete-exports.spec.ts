/** An export behind a build holds what an export within it would: `--cache-to type=registry,mode=max` straight at a daemon. */
import { expect } from "chai";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheConfigOf, parseCacheManifest } from "../../cache/parse-cache-manifest.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { startRegistry, type Registry } from "../support/registry.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { SHELL } from "../system/world.js";
import { useCacheWorld } from "./cache-world.js";
import { projectFiles } from "./project.js";

interface Counts {
  readonly records: number;
  readonly results: number;
}

/** What the attached exports go to, and the daemon that makes them. */
interface Attached {
  readonly dir: string;
  readonly daemon: Buildkitd;
  readonly buildx: Buildx;
  readonly registry: Registry;
}

async function startAttached(): Promise<Attached> {
  const dir = await makeTempDir("at");
  for (const name of ["daemon", "registry"]) await mkdir(join(dir, name));
  const registry = await startRegistry(join(dir, "registry"));
  const daemon = await startBuildkitd(join(dir, "daemon"));
  const buildx = await createBuildx(join(dir, "client"), daemon.address);
  await writeFiles(dir, { "client/home/config.json": registry.dockerConfig });
  return { dir, daemon, buildx, registry };
}

async function countsIn(registry: Registry, tag: string): Promise<Counts> {
  const manifest = await registry.read(`cache/manifests/${tag}`);
  const config = await registry.read(`cache/blobs/${cacheConfigOf(manifest).digest}`);
  const { records } = parseCacheManifest(manifest, config);
  return { records: records.length, results: records.filter(({ results }) => results.length > 0).length };
}

const MULTI_PLATFORM = `${SHELL}
FROM shell AS machine
ARG TARGETARCH
RUN echo "$TARGETARCH" > /machine
FROM scratch
COPY --from=machine /machine /
`;

const BAKE = `
group "default" { targets = ["base", "app"] }
target "base" {
  context = "CONTEXT"
  contexts = { tools = "TOOLS" }
  target = "lib"
}
target "app" {
  dockerfile-inline = "FROM base\\nRUN echo app > /app\\n"
  contexts = { base = "target:base" }
}
`;

describe("the export behind a build", () => {
  const world = useCacheWorld();
  const current: { attached?: Attached } = {};
  const attached = (): Attached => {
    if (current.attached === undefined) throw new Error("it exists within tests only");
    return current.attached;
  };

  before(async () => {
    current.attached = await startAttached();
  });

  after(async () => {
    if (current.attached === undefined) return;
    const { daemon, dir, registry } = current.attached;
    await daemon.stop();
    await registry.stop();
    await removeDir(dir);
  });

  const cacheTo = (tag: string): string => `type=registry,ref=${attached().registry.host}/cache:${tag},mode=max`;

  /** Of the last exports behind builds of this project. */
  const countsBehind = async (project: string, count = 1): Promise<Counts[]> => {
    const exports = (await world().exports()).filter((summary) => summary.project === project).slice(0, count);
    return exports.map(({ recordCount, resultCount }) => ({ records: recordCount, results: resultCount }));
  };

  /** Builds it both ways, and compares. */
  const expectComplete = async (name: string, steps: number, ...args: string[]): Promise<void> => {
    const context = join(world().dir, "contexts", name);
    await world().publish(context, args);
    const command = world().command(context, ...args, "--cache-to", cacheTo(name));
    const { code, stderr } = await attached().buildx.run(command);
    expect(code, stderr).to.equal(0);
    const within = await countsIn(attached().registry, name);
    expect(await countsBehind(name)).to.deep.equal([within]);
    expect(within.results).to.equal(steps);
  };

  it("is complete for one stage", async () => {
    await world().context("single", { Dockerfile: `${SHELL}RUN echo single > /single\n` });
    await expectComplete("single", 3);
  });

  it("is complete for several stages", async () => {
    await world().context("stages", projectFiles("stages"));
    await expectComplete("stages", 8);
  });

  it("is complete for a build without cache", async () => {
    await world().context("no-cache", projectFiles("no-cache"));
    await expectComplete("no-cache", 8);
    await expectComplete("no-cache", 8, "--no-cache");
  });

  it("is complete for several platforms", async () => {
    await world().context("platforms", { Dockerfile: MULTI_PLATFORM });
    // A file that is copied is the same for all of them.
    await expectComplete("platforms", 7, "--platform", "linux/amd64,linux/386");
  });

  it("is complete for a build that the builder had made before MemoBuild saw it", async () => {
    const context = await world().context("warm", projectFiles("warm"));
    const direct = await createBuildx(join(world().dir, "direct"), world().builder);
    expect((await direct.run(world().command(context))).code).to.equal(0);
    await expectComplete("warm", 8);
  });

  it("is complete for each of the targets of a bake that build on each other", async () => {
    const context = await world().context("bake", projectFiles("bake"));
    const file = BAKE.replace("CONTEXT", context).replace("TOOLS", join(world().dir, "tools"));
    await writeFiles(context, { "docker-bake.hcl": file });
    const bake = ["bake", "-f", join(context, "docker-bake.hcl"), "--allow", "fs=*"];
    const cwd = { cwd: context };
    const exports = await world().exportsOf(async () => {
      const { code, stderr } = await world().buildx.run(bake, cwd);
      expect(code, stderr).to.equal(0);
    }, 2);
    expect(exports).to.deep.equal({ published: 2 });
    const sets = ["base", "app"].flatMap((target) => ["--set", `${target}.cache-to=${cacheTo(target)}`]);
    const { code, stderr } = await attached().buildx.run([...bake, ...sets], cwd);
    expect(code, stderr).to.equal(0);
    const within = [await countsIn(attached().registry, "base"), await countsIn(attached().registry, "app")];
    expect(within.map(({ results }) => results)).to.deep.equal([4, 5]);
    expect(await countsBehind("bake", 2)).to.have.deep.members(within);
  });
});
