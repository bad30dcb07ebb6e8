/** Builds with secrets, keys and passwords: they work, their cache is shared, and nothing of what is secret gets into it. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { startRegistry } from "../support/registry.js";
import { startSshAgent } from "../support/ssh-agent.js";
import { writeFiles } from "../support/temp-dir.js";
import { MARKERS } from "../system/markers.js";
import { SHELL } from "../system/world.js";
import { useCacheWorld } from "./cache-world.js";
import { ranOf } from "./steps.js";

const GZIP = Buffer.from([0x1f, 0x8b]);

/** Files below `dir` in which one of the texts stands; layers are unpacked. */
async function filesWith(dir: string, texts: readonly string[]): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    const content = bytes.subarray(0, GZIP.length).equals(GZIP) ? gunzipSync(bytes) : bytes;
    if (texts.some((text) => content.includes(text))) found.push(path);
  }
  return found;
}

describe("the cache of a build with secrets", () => {
  const world = useCacheWorld();

  it("has none of them, and a builder that finds its steps there needs none", async () => {
    const context = await world().context("secret", {
      Dockerfile: `${SHELL}COPY seen /
RUN --mount=type=secret,id=a --mount=type=ssh cat /run/secrets/a | sha256sum > /sum && test -S "$SSH_AUTH_SOCK" && echo ran secret
RUN --mount=type=secret,id=b,env=B echo "$B" | sha256sum > /sum-b && echo ran variable
`,
      seen: MARKERS.content,
      secret: MARKERS.secret,
      ".dockerignore": "secret\n",
    });
    const agentDir = join(world().dir, "agent");
    await mkdir(agentDir);
    const agent = await startSshAgent(agentDir, MARKERS.sshKey);
    try {
      const secrets = ["--secret", `id=a,src=${join(context, "secret")}`, "--secret", "id=b,env=B"];
      const given = [...secrets, "--ssh", `default=${agent.socket}`];
      const exports = await world().exportsOf(async () => {
        const { stderr } = await world().build(context, given, { env: { B: `${MARKERS.secret}-variable` } });
        expect(ranOf(stderr)).to.deep.equal(["secret", "variable"]);
      });
      expect(exports).to.deep.equal({ published: 1 });
    } finally {
      await agent.stop();
    }
    const data = join(world().dir, "data");
    // What is copied into a layer is found, so the search finds what is there.
    expect(await filesWith(data, [MARKERS.content])).to.have.length(1);
    expect(await filesWith(data, [MARKERS.secret, MARKERS.sshKey])).to.deep.equal([]);
    await world().emptyBuilder();
    expect(ranOf((await world().build(context)).stderr)).to.deep.equal([]);
  });

  it("is shared where the base image needs a password, which it does not have", async () => {
    const registryDir = join(world().dir, "registry");
    await mkdir(registryDir);
    const registry = await startRegistry(registryDir);
    try {
      await writeFiles(world().dir, { "client/home/config.json": registry.dockerConfig });
      const base = `${registry.host}/team/base:1`;
      await world().publish(await world().context("base", { Dockerfile: SHELL }), ["--push", "-t", base]);
      await world().emptyBuilder();
      const context = await world().context("private", {
        Dockerfile: `FROM ${base}\nRUN echo ran app && head -c 1000000 /dev/urandom > /app\n`,
      });
      expect(ranOf((await world().publish(context)).stderr)).to.deep.equal(["app"]);
      await world().emptyBuilder();
      const { stderr } = await world().build(context, ["-o", "type=oci,dest=private.tar"]);
      expect(ranOf(stderr)).to.deep.equal([]);
      const [password] = /"auth":"(.*)"/.exec(registry.dockerConfig)?.slice(1) ?? [];
      expect(password).to.be.a("string");
      expect(await filesWith(join(world().dir, "data"), [MARKERS.password, password ?? ""])).to.deep.equal([]);
    } finally {
      await registry.stop();
    }
  });
});
