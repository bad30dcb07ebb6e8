/** Where a build gets its input from: secrets, ssh, contexts of each kind, other targets of a bake, caches. */
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { run, runOk, type CommandOptions } from "../support/command.js";
import { listing } from "../support/listing.js";
import { startSshAgent } from "../support/ssh-agent.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";
import { MARKERS } from "./markers.js";
import { progressOf } from "./progress.js";
import { SHELL, tools, useWorlds, type World } from "./world.js";

/** Copies a program of this machine and the libraries that it loads. */
async function copyWithLibraries(program: string, to: string): Promise<void> {
  const libraries = (await runOk("ldd", [program])).match(/\/\S+(?= \()/g) ?? [];
  for (const file of [program, ...libraries]) {
    await mkdir(join(to, dirname(file)), { recursive: true });
    await copyFile(file, join(to, file));
  }
}

describe("what a build through MemoBuild is given", () => {
  const worlds = useWorlds();

  const build = async (
    world: World,
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<{ progress: string[]; files: string[] }> => {
    const { code, stderr } = await world.buildx.run([...args, "-o", "out"], options);
    expect(code, stderr).to.equal(0);
    const files = await listing(join(world.buildx.dir, "out"));
    await removeDir(join(world.buildx.dir, "out"));
    return { progress: progressOf(stderr), files };
  };

  it("reads secrets from the environment and from files", async () => {
    const context = await worlds().context("secret", {
      Dockerfile: `${SHELL}RUN --mount=type=secret,id=a --mount=type=secret,id=b,env=B cat /run/secrets/a > /a && echo "$B" > /b
FROM scratch
COPY --from=shell /a /b /
`,
      b: `${MARKERS.secret}-file`,
    });
    const secrets = ["--secret", "id=a,env=A", "--secret", `id=b,src=${join(context, "b")}`];
    const seen = await worlds().same(async (world) => {
      const built = await build(world, ["build", ...tools(worlds()), ...secrets, context], {
        env: { A: `${MARKERS.secret}-variable` },
      });
      return built.files;
    });
    expect(seen).to.have.length(2);
  });

  it("reaches the client's ssh agent", async () => {
    const context = await worlds().context("ssh", {
      Dockerfile: 'FROM scratch AS ssh\nCOPY . /\nRUN --mount=type=ssh ["/usr/bin/ssh-add", "-L"]\n',
      "etc/passwd": "root:x:0:0:root:/:/bin/false\n",
    });
    const program = (await runOk("sh", ["-c", "command -v ssh-add"])).trim();
    await copyWithLibraries(program, context);
    const dir = await makeTempDir("ssh");
    const agent = await startSshAgent(dir, MARKERS.sshKey);
    try {
      const seen = await worlds().same((world) => build(world, ["build", "--ssh", `default=${agent.socket}`, context]));
      expect(seen.progress).to.include(agent.publicKey);
    } finally {
      await agent.stop();
      await removeDir(dir);
    }
  });

  it("takes the context from standard input", async () => {
    const context = await worlds().context("stdin", {
      Dockerfile: "FROM scratch\nCOPY a.txt /\n",
      "a.txt": "from a tar\n",
    });
    const input = (await run("tar", ["c", "-C", context, "."])).stdout;
    const seen = await worlds().same((world) => build(world, ["build", "-"], { input }));
    expect(seen.files.join()).to.match(/^a\.txt /);
  });

  it("takes the Dockerfile from standard input", async () => {
    const context = await worlds().context("file", { "b.txt": "beside\n" });
    const input = "FROM scratch\nCOPY b.txt /\n";
    const seen = await worlds().same((world) => build(world, ["build", "-f", "-", context], { input }));
    expect(seen.files.join()).to.match(/^b\.txt /);
  });

  it("uploads a large context with ignored files left out", async () => {
    const context = await worlds().context("large", {
      Dockerfile: "FROM scratch\nCOPY . /\n",
      ".dockerignore": "skip\n",
      big: Buffer.alloc(64 << 20, "0123456789abcdef\n"),
      skip: "not sent\n",
    });
    const seen = await worlds().same((world) => build(world, ["build", context]));
    expect(seen.files.map((line) => line.split(" ")[0])).to.deep.equal([".dockerignore", "Dockerfile", "big"]);
  });

  it("uses named contexts and OCI layouts", async () => {
    const base = await worlds().context("base", {
      Dockerfile: "FROM scratch\nCOPY base.txt /\n",
      "base.txt": "base\n",
    });
    const layout = join(worlds().shared, "layout");
    await worlds().direct.buildx.run(["build", "-t", "base:1", "-o", `type=oci,dest=${layout},tar=false`, base]);
    const context = await worlds().context("named", {
      Dockerfile: "FROM base\nCOPY --from=more more.txt /\n",
      "more/more.txt": "more\n",
    });
    const contexts = [
      "--build-context",
      `base=oci-layout://${layout}:1`,
      "--build-context",
      `more=${join(context, "more")}`,
    ];
    const seen = await worlds().same((world) => build(world, ["build", ...contexts, context]));
    expect(seen.files.map((line) => line.split(" ")[0])).to.deep.equal(["base.txt", "more.txt"]);
  });

  it("bakes targets that share a context and build on each other", async () => {
    const context = await worlds().context("bake", {
      "base.Dockerfile": `${SHELL}COPY shared.txt /\n`,
      "app.Dockerfile":
        "FROM base AS built\nARG N\nRUN echo app $N $(cat /shared.txt) > /app\nFROM scratch\nCOPY --from=built /app /\n",
      "shared.txt": "shared\n",
      "docker-bake.hcl": `
group "default" { targets = ["one", "two", "three"] }
target "base" {
  dockerfile = "base.Dockerfile"
  contexts = { tools = "${join(worlds().shared, "tools")}" }
}
target "app" {
  name = n
  matrix = { n = ["one", "two", "three"] }
  dockerfile = "app.Dockerfile"
  contexts = { base = "target:base" }
  args = { N = n }
  output = ["type=local,dest=\${BAKE_OUT}/\${n}"]
}
variable "BAKE_OUT" { default = "" }
`,
    });
    const seen = await worlds().same(async (world) => {
      const out = join(world.buildx.dir, "baked");
      const bake = [
        "bake",
        "-f",
        join(context, "docker-bake.hcl"),
        "--allow",
        "fs=*",
        "--metadata-file",
        join(world.dir, "bake.json"),
      ];
      const { code, stderr } = await world.buildx.run(bake, { cwd: context, env: { BAKE_OUT: out } });
      expect(code, stderr).to.equal(0);
      // A step that several targets need is shown as that of any one of them.
      const progress = progressOf(stderr.replaceAll(/\[(base|one|two|three)\b ?/g, "["));
      return {
        progress,
        files: await listing(out),
        one: await readFile(join(out, "one/app"), "utf8"),
      };
    });
    expect(seen.one).to.equal("app one shared\n");
    expect(seen.files).to.have.length(6);
  });

  it("writes a local cache, and a build without its own cache uses it", async () => {
    const context = await worlds().context("cache", {
      Dockerfile: `${SHELL}RUN head -c 9 /dev/urandom | base64 > /random\n`,
    });
    const seen = await worlds().same(async (world) => {
      const first = await build(world, [
        "build",
        ...tools(worlds()),
        "--cache-to",
        "type=local,dest=cache,mode=max",
        context,
      ]);
      await world.buildx.run(["prune", "--all", "--force"]);
      const second = await build(world, ["build", ...tools(worlds()), "--cache-from", "type=local,src=cache", context]);
      const random = (files: readonly string[]): string | undefined => files.find((line) => line.startsWith("random "));
      // Not the digests themselves: the file differs from world to world.
      return {
        isReused: random(first.files) === random(second.files),
        progress: second.progress.map((line) => line.replace(/sha256:[0-9a-f]{64}/, "DIGEST")),
      };
    });
    expect(seen.isReused).to.equal(true);
    expect(seen.progress).to.include("CACHED");
  });
});
