/** The options of the shared cache, and a builder that does not reach it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { ApiError } from "../../http/api-error.js";
import { freePort } from "../support/free-port.js";
import { growth } from "../support/series.js";
import { writeFiles } from "../support/temp-dir.js";
import { useCacheWorld } from "./cache-world.js";
import { PROJECT_STEPS, projectFiles } from "./project.js";
import { ranOf, stepsOf } from "./steps.js";

const EXPORTS = "memobuild_cache_exports_total";
const IMPORTS = "memobuild_cache_imports_total";

/** Media types of the layers in an OCI layout that holds one image. */
async function layerTypes(layout: string): Promise<string[]> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(join(layout, file), "utf8"));
  const index = (await read("index.json")) as { manifests: { digest: string }[] };
  const manifest = (await read(join("blobs", index.manifests[0]?.digest.replace(":", "/") ?? ""))) as {
    layers: { mediaType: string }[];
  };
  return manifest.layers.map(({ mediaType }) => mediaType);
}

describe("the shared cache", () => {
  const world = useCacheWorld();

  it("compresses layers as it is told, and images that are made of them show it", async () => {
    await world().restart("--cache-compression", "zstd");
    const context = await world().context("zstd", projectFiles("zstd"));
    await world().publish(context);
    await world().emptyBuilder();
    await world().build(context, ["-o", "type=oci,dest=zstd,tar=false"]);
    const zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    expect(await layerTypes(join(world().buildx.dir, "zstd"))).to.deep.equal([zstd, zstd]);
  });

  it("is used and left as it is where it is read-only", async () => {
    const context = await world().context("read-only", projectFiles("read-only"));
    await world().publish(context);
    await world().restart("--cache", "read-only");
    const exports = await world().exports();
    const before = await world().series();
    expect(stepsOf((await world().build(context)).stderr)).to.deep.equal({ cached: PROJECT_STEPS, done: [] });
    await writeFiles(context, projectFiles("read-only", "two"));
    expect(ranOf((await world().build(context)).stderr)).to.deep.equal(["app"]);
    const after = await world().series();
    expect(growth(before, after, IMPORTS)).to.deep.equal({ injected: 2 });
    expect(growth(before, after, EXPORTS)).to.deep.equal({});
    expect((await world().exports()).map(({ id }) => id)).to.have.members(exports.map(({ id }) => id));
    expect(after.get('memobuild_registry_requests_total{operation="upload",code="201"}')).to.equal(0);
  });

  it("is not there where it is off", async () => {
    await world().restart();
    const context = await world().context("off", projectFiles("off"));
    await world().publish(context);
    await world().restart("--cache", "off");
    const { stderr } = await world().build(context);
    expect(stepsOf(stderr)).to.deep.equal({ cached: [], done: PROJECT_STEPS });
    expect(stderr).to.not.include("importing cache manifest");
    const names = [...(await world().series()).keys()];
    expect(names.filter((name) => /^memobuild_(cache|registry)_/.test(name))).to.deep.equal([]);
    const refusal = await world()
      .api.list({ limit: 1 })
      .catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(ApiError).and.to.include({ code: "cache_off" });
  });

  it("is left out where the builder does not reach it, and a warning says what to set", async () => {
    const [listens, refuses] = [await freePort(), await freePort()];
    const addresses = ["--registry-listen", `127.0.0.1:${listens}`, "--cache-advertise", `127.0.0.1:${refuses}`];
    await world().restart(...addresses);
    const { hint } = await world().memoBuild.logged("cache not reachable");
    expect(hint).to.include("--cache-advertise");
    const context = await world().context("unreachable", projectFiles("unreachable"));
    const before = await world().series();
    const { stderr } = await world().build(context);
    expect(stepsOf(stderr)).to.deep.equal({ cached: [], done: PROJECT_STEPS });
    expect(stderr).to.not.include("importing cache manifest");
    const after = await world().series();
    expect(growth(before, after, IMPORTS)).to.deep.equal({ unreachable: 1 });
    expect(growth(before, after, EXPORTS)).to.deep.equal({});
  });
});
