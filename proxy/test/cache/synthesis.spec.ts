/** What the synthesis makes, imported by real BuildKit. */
import { cp, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import type { CacheGraph } from "../../cache/cache-graph.js";
import { cacheConfigOf, parseCacheManifest } from "../../cache/parse-cache-manifest.js";
import { synthesize } from "../../cache/synthesize.js";
import { writeCacheManifest, type WrittenCacheManifest } from "../../cache/write-cache-manifest.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { digestOf, projectExport, projectGraph, tangledGraph } from "../support/cache-graphs.js";
import { BUSYBOX, run } from "../support/command.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const DOCKERFILE = `FROM scratch AS shell
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM shell AS lib
COPY lib.txt /
RUN cat /lib.txt > /lib
FROM shell AS app
COPY app.txt /
RUN cat /app.txt > /app && sleep 0.01
FROM scratch
COPY --from=lib /lib /
COPY --from=app /app /
`;
const STEPS = 8;
const SAMPLE = 20;
/** Drawn anew each time; the seed is in the message of a failure. */
const SEED = Date.now() % 2 ** 31;

/** A directory as `type=local` exports and imports it. */
async function readCache(dir: string): Promise<CacheGraph> {
  const index = JSON.parse(await readFile(join(dir, "index.json"), "utf8")) as { manifests: { digest: string }[] };
  const blob = (digest: string): Promise<Buffer> => readFile(join(dir, "blobs/sha256", digest.replace("sha256:", "")));
  const manifest = await blob(index.manifests[0]?.digest ?? "");
  return parseCacheManifest(manifest, await blob(cacheConfigOf(manifest).digest));
}

async function writeCache(dir: string, { manifest, config }: WrittenCacheManifest): Promise<void> {
  const { mediaType, digest, bytes } = manifest;
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  await writeFiles(dir, {
    "oci-layout": `{"imageLayoutVersion":"1.0.0"}`,
    "index.json": JSON.stringify({
      schemaVersion: 2,
      manifests: [{ mediaType, digest, size: bytes.length, annotations }],
    }),
    [join("blobs/sha256", digest.replace("sha256:", ""))]: bytes,
    [join("blobs/sha256", config.digest.replace("sha256:", ""))]: config.bytes,
  });
}

/** For each step or other vertex of plain progress its name and how it ended. */
function vertices(progress: string): Map<string, string> {
  const names = new Map<string, string>();
  const ends = new Map<string, string>();
  for (const line of progress.split("\n")) {
    const [, number = "", text = ""] = /^#(\d+) (.*)$/.exec(line) ?? [];
    if (number !== "" && !names.has(number)) names.set(number, text);
    else if (/^(CACHED|DONE|ERROR)/.test(text)) ends.set(number, text);
  }
  return new Map([...names].map(([number, name]) => [`#${number} ${name}`, ends.get(number) ?? ""]));
}

describe("a synthesised cache", () => {
  const scene: { dir: string; daemons: Buildkitd[] } = { dir: "", daemons: [] };

  const daemon = async (name: string): Promise<Buildkitd> => {
    await mkdir(join(scene.dir, name));
    const started = await startBuildkitd(join(scene.dir, name));
    scene.daemons.push(started);
    return started;
  };

  const build = async ({ address }: Buildkitd, context: string, ...args: string[]): Promise<Map<string, string>> => {
    const locals = ["--local", `context=${context}`, "--local", `dockerfile=${context}`];
    const command = ["build", "--frontend", "dockerfile.v0", "--progress", "plain", ...locals, ...args];
    const { code, stderr } = await run("buildctl", ["--addr", address, ...command]);
    expect(code, stderr).to.equal(0);
    return vertices(stderr);
  };

  const variant = async (text: string): Promise<string> => {
    const context = join(scene.dir, `context-${text}`);
    await writeFiles(context, { Dockerfile: DOCKERFILE, "lib.txt": "lib", "app.txt": text });
    await copyFile(BUSYBOX, join(context, "busybox"));
    return context;
  };

  before(async () => {
    scene.dir = await makeTempDir("synthesis");
  });

  after(async () => {
    for (const started of scene.daemons) await started.stop();
    await removeDir(scene.dir);
  });

  it("lets an empty daemon find the steps of all builds that it is made of", async () => {
    const builder = await daemon("a");
    const graphs: { graph: CacheGraph }[] = [];
    const merged = join(scene.dir, "merged");
    for (const name of ["one", "two"]) {
      const exported = join(scene.dir, `exported-${name}`);
      await build(builder, await variant(name), "--export-cache", `type=local,dest=${exported},mode=max`);
      graphs.push({ graph: await readCache(exported) });
      await cp(exported, merged, { recursive: true });
    }
    const single = synthesize({ graphs: graphs.slice(0, 1), isUsable: () => true });
    expect(single?.records).to.have.length(graphs[0]?.graph.records.length ?? 0);
    const graph = synthesize({ graphs, isUsable: () => true });
    if (graph === undefined) throw new Error("both exports have results");
    expect(graph.records).to.have.length.above(single?.records.length ?? 0);
    await writeCache(merged, writeCacheManifest(graph));

    const empty = await daemon("b");
    for (const name of ["one", "two"]) {
      const out = join(scene.dir, `out-${name}`);
      const seen = await build(
        empty,
        join(scene.dir, `context-${name}`),
        ...["--import-cache", `type=local,src=${merged}`, "--output", `type=local,dest=${out}`],
      );
      const steps = [...seen].filter(([step]) => /\] (RUN|COPY) /.test(step));
      expect(steps.map(([, end]) => end)).to.deep.equal(Array.from({ length: STEPS }, () => "CACHED"));
      expect(await readFile(join(out, "app"), "utf8")).to.equal(name);
    }
  });

  it("is accepted by BuildKit, whatever the exports are that it is made of", async () => {
    const graphs = fc.array(fc.oneof(tangledGraph, projectGraph), { minLength: 1, maxLength: 5 });
    const drawn = fc
      .sample(graphs, { numRuns: SAMPLE * 3, seed: SEED })
      .map((all) => synthesize({ graphs: all.map((graph) => ({ graph })), isUsable: () => true }))
      .filter((graph) => graph !== undefined)
      .slice(0, SAMPLE - 1);
    drawn.push(projectExport({ records: 1500, sharedRecords: 0, variant: "large" }));
    expect(drawn, `seed ${SEED}`).to.have.length(SAMPLE);
    const imports: string[] = [];
    for (const [number, graph] of drawn.entries()) {
      await writeCache(join(scene.dir, `drawn-${number}`), writeCacheManifest(graph));
      imports.push("--import-cache", `type=local,src=${join(scene.dir, `drawn-${number}`)}`);
    }
    const ends = await importEnds(...imports);
    expect(ends, `seed ${SEED}`).to.have.length(SAMPLE);
    for (const end of ends) expect(end, `seed ${SEED}`).to.match(/^DONE/);
  });

  it("is refused by BuildKit where it does not hold together, so that acceptance says something", async () => {
    const config = Buffer.from(`{"records":[{"digest":"${digestOf("key")}","inputs":[[]]}]}`);
    const { manifest } = writeCacheManifest({ layers: [], records: [] });
    const described = JSON.parse(manifest.bytes.toString()) as { config: object };
    const bytes = Buffer.from(
      JSON.stringify({ ...described, config: { ...described.config, digest: digestOf(config), size: config.length } }),
    );
    const broken = join(scene.dir, "broken");
    await writeCache(broken, {
      manifest: { ...manifest, bytes, digest: digestOf(bytes) },
      config: { bytes: config, digest: digestOf(config) },
    });
    expect(await importEnds("--import-cache", `type=local,src=${broken}`))
      .to.have.length(1)
      .and.match(/ERROR/);
  });

  /** How the imports of a small build end. */
  async function importEnds(...args: string[]): Promise<string[]> {
    const context = join(scene.dir, "small");
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
    const builder = scene.daemons[0] ?? (await daemon("c"));
    const seen = await build(builder, context, ...args);
    return [...seen].filter(([name]) => name.includes("importing cache manifest")).map(([, end]) => end);
  }
});
