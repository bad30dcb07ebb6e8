/** What users ask for themselves beside the shared cache: their own caches, and images that can be made again. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startBuildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { sha256 } from "../support/listing.js";
import { startRegistry, type Registry } from "../support/registry.js";
import { growth } from "../support/series.js";
import { writeFiles } from "../support/temp-dir.js";
import { isOurImport } from "../system/progress.js";
import { SHELL } from "../system/world.js";
import { useCacheWorld } from "./cache-world.js";
import { projectFiles } from "./project.js";
import { ranOf } from "./steps.js";

const importsIn = (stderr: string): string[] =>
  stderr.split("\n").filter((line) => line.includes("importing cache manifest"));

describe("beside the shared cache", () => {
  const world = useCacheWorld();

  describe("a user's own", () => {
    const current: { registry?: Registry } = {};
    const registry = (): Registry => {
      if (current.registry === undefined) throw new Error("it exists within tests only");
      return current.registry;
    };

    before(async () => {
      const dir = join(world().dir, "registry");
      await mkdir(dir);
      current.registry = await startRegistry(dir);
      await writeFiles(world().dir, { "client/home/config.json": registry().dockerConfig });
    });

    after(async () => {
      await current.registry?.stop();
    });

    /** Of each type: where it goes, where it comes from, and the digest of what is there. */
    const own = {
      local: {
        to: () => "type=local,dest=own,mode=max",
        from: () => "type=local,src=own",
        digest: async () => {
          const index = await readFile(join(world().buildx.dir, "own/index.json"), "utf8");
          return (JSON.parse(index) as { manifests: { digest: string }[] }).manifests[0]?.digest;
        },
      },
      registry: {
        to: () => `type=registry,ref=${registry().host}/own:1,mode=max`,
        from: () => `type=registry,ref=${registry().host}/own:1`,
        digest: () => registry().digest("own", "1"),
      },
    } as const;

    for (const type of ["local", "registry"] as const) {
      it(`of type=${type} is written and read as it would be without ours`, async () => {
        const { digest, from, to } = own[type];
        const files = projectFiles(type);
        const context = await world().context(`own-${type}`, files);
        await world().publish(context, ["--cache-to", to(), "--metadata-file", "metadata.json"]);
        const metadata = JSON.parse(await readFile(join(world().buildx.dir, "metadata.json"), "utf8")) as {
          "cache.manifest": string;
        };
        expect((JSON.parse(metadata["cache.manifest"]) as { digest: string }).digest).to.equal(await digest());

        await world().emptyBuilder();
        // In a project of which nothing was exported, the user's own cache is the only one.
        const other = await world().context(`other-${type}`, files);
        const before = await world().series();
        const alone = await world().build(other, ["--cache-from", from()]);
        expect(ranOf(alone.stderr)).to.deep.equal([]);
        expect(growth(before, await world().series(), "memobuild_cache_imports_total")).to.deep.equal({ empty: 1 });
        expect(importsIn(alone.stderr)).to.have.length(1);

        await world().emptyBuilder();
        const both = await world().build(context, ["--cache-from", from()]);
        expect(ranOf(both.stderr)).to.deep.equal([]);
        expect(importsIn(both.stderr)).to.have.length(2);
        expect(importsIn(both.stderr).filter(isOurImport)).to.have.length(1);
        expect(both.stderr).to.not.include("ERROR");
      });
    }
  });

  it("images and files can be made again: without it, cold, warm, and from it", async () => {
    const context = await world().context("epoch", {
      Dockerfile: `${SHELL}RUN date > /dev/null && seq 100000 > /numbers\nFROM scratch\nCOPY --from=shell /numbers /\nCOPY data /\n`,
      data: "data\n",
    });
    const outputs = async (buildx: Buildx): Promise<string[]> => {
      const digests: string[] = [];
      for (const type of ["oci", "docker", "tar"]) {
        const file = join(buildx.dir, `${type}.tar`);
        const output = ["-o", `type=${type},dest=${file},rewrite-timestamp=true`];
        const epoch = ["--build-arg", "SOURCE_DATE_EPOCH=1700000000", "--provenance=false"];
        const { code, stderr } = await buildx.run(world().command(context, ...epoch, ...output));
        expect(code, stderr).to.equal(0);
        digests.push(`${type} ${await sha256(file)}`);
      }
      return digests;
    };
    await mkdir(join(world().dir, "other"));
    const daemon = await startBuildkitd(join(world().dir, "other"));
    const direct = await createBuildx(join(world().dir, "direct"), daemon.address);
    const made = await outputs(direct).finally(() => daemon.stop());
    const before = await world().series();
    expect(await outputs(world().buildx), "cold").to.deep.equal(made);
    expect(await outputs(world().buildx), "warm").to.deep.equal(made);
    expect(await world().exportsSince(before, 6)).to.have.property("published");
    await world().emptyBuilder();
    const imports = await world().series();
    expect(await outputs(world().buildx), "imported").to.deep.equal(made);
    expect(growth(imports, await world().series(), "memobuild_cache_imports_total")).to.deep.equal({ injected: 3 });
  });
});
