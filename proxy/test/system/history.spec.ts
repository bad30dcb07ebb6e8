/** What buildx tells about a daemon and its builds: history, disk use, prune, inspect, dial-stdio. */
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { keepOpen, run, type Outcome } from "../support/command.js";
import { rowsOf } from "./progress.js";
import { SHELL, tools, useWorlds, type World } from "./world.js";

describe("what buildx tells about a builder behind MemoBuild", () => {
  const worlds = useWorlds();

  before(async () => {
    const good = await worlds().context("good", { Dockerfile: `${SHELL}RUN echo it is good\n` });
    const bad = await worlds().context("bad", { Dockerfile: `${SHELL}RUN echo it is bad; exit 7\n` });
    for (const { buildx } of [worlds().direct, worlds().through]) {
      expect((await buildx.run(["build", ...tools(worlds()), "-o", "type=oci,dest=good.tar", good])).code).to.equal(0);
      expect((await buildx.run(["build", ...tools(worlds()), bad])).code).to.equal(1);
    }
  });

  /** Runs a command that must succeed in both worlds and compares what it prints. */
  const told = async (...args: string[]): Promise<string[]> =>
    worlds().same(async ({ buildx }) => {
      const { code, stdout, stderr } = await buildx.run(args);
      expect(code, stderr).to.equal(0);
      // Sorted, because what was used at the same time is listed in any order.
      return rowsOf(stdout.toString()).sort();
    });

  const refOf = async ({ buildx }: World, name: string): Promise<string> => {
    const { stdout } = await buildx.run(["history", "ls", "--format", "{{.Name}} {{.Ref}}"]);
    const line = stdout
      .toString()
      .split("\n")
      .find((text) => text.startsWith(`${name} `));
    return line?.split(" ").at(-1) ?? "";
  };

  it("lists the builds", async () => {
    const lines = await told("history", "ls");
    expect(lines.join("\n")).to.include(" good Completed").and.include(" bad Error");
    expect(await told("history", "ls", "--filter", "status=error")).to.have.length(2);
  });

  it("inspects a build and its attachments", async () => {
    const seen = await worlds().same(async (world) => {
      const ref = await refOf(world, "good");
      const inspected = await world.buildx.run(["history", "inspect", ref]);
      const attachment = await world.buildx.run(["history", "inspect", "attachment", ref, "--type", "provenance"]);
      const lines = rowsOf(inspected.stdout.toString()).map((line) => line.replace(/sha256:[0-9a-f]{64}/, "DIGEST"));
      return { lines, kinds: attachment.stdout.toString().match(/"buildType": ".*"/g) };
    });
    expect(seen.lines.join("\n")).to.include("Name: good").and.include("https://slsa.dev/provenance");
    expect(seen.kinds).to.not.equal(null);
  });

  it("shows the error of a failed build", async () => {
    const seen = await worlds().same(async (world) =>
      rowsOf((await world.buildx.run(["history", "inspect", await refOf(world, "bad")])).stdout.toString()),
    );
    expect(seen.join("\n")).to.include("it is bad").and.include("exit code: 7");
  });

  it("prints the logs of a build", async () => {
    const seen = await worlds().same(async (world) => {
      const { stdout, stderr } = await world.buildx.run(["history", "logs", await refOf(world, "good")]);
      return rowsOf(stdout.toString() + stderr)
        .map((line) => line.replace(/sha256:[0-9a-f]{64}/, "DIGEST"))
        .sort();
    });
    expect(seen).to.include("it is good");
  });

  it("exports a build and removes it", async () => {
    const seen = await worlds().same(async (world) => {
      const ref = await refOf(world, "bad");
      const exported = await world.buildx.run(["history", "export", ref, "-o", "bad.dockerbuild"]);
      const packed = await run("tar", ["tzf", join(world.buildx.dir, "bad.dockerbuild")]);
      const removed = await world.buildx.run(["history", "rm", ref]);
      const names = packed.stdout
        .toString()
        .split("\n")
        .filter((name) => !name.startsWith("blobs/"));
      return { exported: exported.code, names, removed: removed.code, ref: await refOf(world, "bad") };
    });
    expect(seen).to.deep.include({ exported: 0, removed: 0, ref: "" });
    expect(seen.names).to.include("oci-layout");
  });

  it("inspects and bootstraps the builder", async () => {
    const lines = await worlds().same(async ({ buildx, address }) => {
      const { code, stdout, stderr } = await buildx.run(["inspect", "--bootstrap"]);
      expect(code, stderr).to.equal(0);
      return rowsOf(stdout.toString().replaceAll(address, "ENDPOINT"));
    });
    expect(lines).to.include.members(["Status: running", "BuildKit version: v0.32.2", "Endpoint: ENDPOINT"]);
  });

  it("reaches the builder by dial-stdio", async () => {
    const seen = await worlds().same(async (world) => {
      const ended: Promise<Outcome>[] = [];
      const server = createServer((socket) => {
        const dialled = world.buildx.start(["dial-stdio"], { input: keepOpen });
        socket.pipe(dialled.stdin);
        dialled.stdout.pipe(socket).on("error", () => {
          dialled.signal("SIGTERM");
        });
        ended.push(dialled.exited);
      });
      const socket = join(world.dir, "dial.sock");
      await once(server.listen(socket), "listening");
      const workers = await world.buildctl(["--addr", `unix://${socket}`, "debug", "workers"]);
      server.close();
      await once(server, "close");
      const codes = (await Promise.all(ended)).map(({ code }) => code);
      return { codes, code: workers.code, workers: rowsOf(workers.stdout.toString()) };
    });
    expect(seen.workers[0]).to.equal("ID PLATFORMS");
  });

  it("tells and frees the disk space that builds take", async () => {
    expect((await told("du")).join("\n")).to.match(/^Total: SIZE/m);
    expect((await told("prune", "--all", "--force")).join("\n")).to.match(/^Total: SIZE/m);
    expect(await told("du")).to.include("Total: 0B");
  });
});
