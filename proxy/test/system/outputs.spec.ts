/** What a build gives back: each kind of output, pushes, and the files that say what was built. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { run } from "../support/command.js";
import { listing, sha256 } from "../support/listing.js";
import { startRegistry, type Registry } from "../support/registry.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { MARKERS } from "./markers.js";
import { isOurImport, progressOf, withoutVarying } from "./progress.js";
import { SHELL, tools, useWorlds, type World } from "./world.js";

const DOCKERFILE = `${SHELL}
FROM shell AS left
RUN mkdir /l && echo left > /l/left && chmod 640 /l/left
FROM shell AS right
ARG TOKEN
RUN mkdir /r && echo "$TOKEN" | sha256sum > /r/right && ln -s right /r/link
FROM scratch
COPY --from=left /l /files
COPY --from=right /r /files
COPY data /data
ENTRYPOINT ["/nothing"]
`;

/** Images have equal digests only when no time is in them. */
const REPRODUCIBLE = ["--build-arg", "SOURCE_DATE_EPOCH=1700000000"];

describe("what a build through MemoBuild gives back", () => {
  const worlds = useWorlds();
  const prepared = { context: "" };

  before(async () => {
    prepared.context = await worlds().context("multi", {
      Dockerfile: DOCKERFILE,
      data: `${MARKERS.content}\n`.repeat(100_000),
    });
  });

  const build = async (
    world: World,
    ...args: string[]
  ): Promise<{ code: number; stdout: string; progress: string[] }> => {
    const hidden = ["--build-arg", `TOKEN=${MARKERS.buildArg}`, "--label", `note=${MARKERS.label}`];
    const all = ["build", ...tools(worlds()), ...REPRODUCIBLE, ...hidden, ...args, prepared.context];
    const { code, stdout, stderr } = await world.buildx.run(all);
    expect(code, stderr).to.equal(0);
    return { code, stdout: stdout.toString(), progress: progressOf(stderr) };
  };

  it("builds several stages into the same local files", async () => {
    const seen = await worlds().same(async (world) => ({
      ...(await build(world, "-o", "files")),
      files: await listing(join(world.buildx.dir, "files")),
    }));
    expect(seen.files.map((line) => line.split(" ")[0])).to.deep.equal([
      "data",
      "files",
      "files/left",
      "files/link",
      "files/right",
    ]);
    expect(seen.progress).to.include("[stage-3 2/3] COPY --from=right /r /files");
  });

  for (const type of ["docker", "oci", "tar"]) {
    it(`writes the same bytes as type=${type}`, async () => {
      const seen = await worlds().same(async (world) => ({
        ...(await build(world, "-o", `type=${type},dest=${type}.tar,rewrite-timestamp=true`)),
        sum: await sha256(join(world.buildx.dir, `${type}.tar`)),
        names: (await run("tar", ["tf", `${type}.tar`], { cwd: world.buildx.dir })).stdout.toString().split("\n"),
      }));
      expect(seen.names).to.include({ docker: "manifest.json", oci: "oci-layout", tar: "files/right" }[type]);
    });
  }

  it("writes an OCI layout into a directory", async () => {
    const seen = await worlds().same(async (world) => ({
      ...(await build(
        world,
        "-o",
        "type=oci,dest=layout,tar=false,rewrite-timestamp=true",
        "-t",
        "example.test/app:1",
      )),
      files: await listing(join(world.buildx.dir, "layout")),
    }));
    expect(seen.files.some((line) => line.startsWith("index.json "))).to.equal(true);
  });

  it("sends a tar to standard output", async () => {
    const seen = await worlds().same((world) => build(world, "-o", "type=tar,dest=-"));
    expect(seen.stdout).to.include(MARKERS.content);
  });

  it("tells the image's digest, provenance and warnings in the metadata file", async () => {
    const seen = await worlds().same(async (world) => {
      const outcome = await build(
        world,
        "--metadata-file",
        "meta.json",
        "--iidfile",
        "iid",
        "-o",
        "type=oci,dest=m.tar,rewrite-timestamp=true",
      );
      const metadata = (await readFile(join(world.buildx.dir, "meta.json"), "utf8")).split("\n");
      const iid = await readFile(join(world.buildx.dir, "iid"), "utf8");
      return { ...outcome, metadata: metadata.map(withoutVarying), iid };
    });
    expect(seen.iid).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(seen.metadata.join("\n"))
      .to.include(seen.iid)
      .and.include("buildx.build.provenance")
      .and.include("dockerfile.v0");
  });

  it("attaches provenance to the image", async () => {
    const seen = await worlds().same(async (world) => {
      const { code } = await build(world, "--provenance=mode=max", "-o", "type=oci,dest=attested,tar=false");
      const index = JSON.parse(await readFile(join(world.buildx.dir, "attested", "index.json"), "utf8")) as {
        manifests: { digest: string }[];
      };
      const inner = join(world.buildx.dir, "attested", "blobs", index.manifests[0]?.digest.replace(":", "/") ?? "");
      const { manifests } = JSON.parse(await readFile(inner, "utf8")) as {
        manifests: { platform: unknown; annotations?: object }[];
      };
      return {
        code,
        kinds: manifests.map(({ platform, annotations }) => ({ platform, notes: Object.keys(annotations ?? {}) })),
      };
    });
    expect(JSON.stringify(seen.kinds)).to.include("vnd.docker.reference.type");
  });

  it("prints the same as raw JSON", async () => {
    const seen = await worlds().same(async (world) => {
      const { code, stderr } = await world.buildx.run([
        "build",
        ...tools(worlds()),
        "--no-cache",
        "--progress",
        "rawjson",
        prepared.context,
      ]);
      const lines = stderr
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as { vertexes?: { name: string; digest: string }[] });
      const names = lines.flatMap(({ vertexes }) => vertexes ?? []).map(({ name }) => name);
      return {
        code,
        steps: [...new Set(names)].filter((name) => !isOurImport(name)).sort(),
      };
    });
    expect(seen.steps).to.include("[stage-3 3/3] COPY data /data");
  });

  describe("with a registry that asks for a password", () => {
    const registries: { dir?: string; direct?: Registry; through?: Registry } = {};
    const registryOf = ({ name }: World): Registry => {
      const registry = registries[name];
      if (registry === undefined) throw new Error("the registries exist within tests only");
      return registry;
    };

    before(async () => {
      const dir = (registries.dir = await makeTempDir("reg"));
      for (const world of [worlds().direct, worlds().through]) {
        await mkdir(join(dir, world.name));
        const registry = (registries[world.name] = await startRegistry(join(dir, world.name)));
        await writeFiles(world.dir, { "home/config.json": registry.dockerConfig });
      }
    });

    after(async () => {
      await registries.direct?.stop();
      await registries.through?.stop();
      if (registries.dir !== undefined) await removeDir(registries.dir);
    });

    it("pushes the same image", async () => {
      const seen = await worlds().same(async (world) => {
        const registry = registryOf(world);
        return {
          ...(await build(
            world,
            "--push",
            "-o",
            "type=image,rewrite-timestamp=true",
            "-t",
            `${registry.host}/team/app:1`,
          )),
          digest: await registry.digest("team/app", "1"),
        };
      });
      expect(seen.digest).to.match(/^sha256:/);
      expect(seen.progress.join("\n")).to.include("pushing manifest for REGISTRY/team/app:1");
    });

    it("writes a registry cache, and a build without its own cache uses it", async () => {
      const seen = await worlds().same(async (world) => {
        const cache = `type=registry,ref=${registryOf(world).host}/cache/${MARKERS.cacheAttribute}:1`;
        const exported = await build(world, "--cache-to", `${cache},mode=max`);
        await world.buildx.run(["prune", "--all", "--force"]);
        const imported = await build(world, "--cache-from", cache, "-o", "cached");
        // The layers of intermediate steps hold times, so their digests differ.
        const progress = exported.progress.map((line) => line.replace(/sha256:[0-9a-f]{64}/, "DIGEST"));
        return { exported: [...new Set(progress)], imported, files: await listing(join(world.buildx.dir, "cached")) };
      });
      expect(seen.imported.progress).to.include("CACHED");
      expect(seen.imported.progress.join("\n")).to.include("importing cache manifest from REGISTRY/cache/");
    });
  });
});
