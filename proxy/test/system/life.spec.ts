/** Starting, stopping and losing builders while builds go on: drain on SIGTERM, the embedded builder, a Docker engine. */
import { once } from "node:events";
import { copyFile, mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { startBuildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { BUSYBOX, ROOT } from "../support/command.js";
import { startDockerd } from "../support/dockerd.js";
import { startMemoBuild } from "../support/memobuild.js";
import { poll, within } from "../support/poll.js";
import { mountsBelow, processes } from "../support/processes.js";
import { readSeries } from "../support/series.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { SHELL } from "./world.js";

/** What a connection to a socket that nobody listens on ends with, whether its file is still there or not. */
const REFUSED: ReadonlySet<string | undefined> = new Set(["ENOENT", "ECONNREFUSED"]);

describe("the life of MemoBuild and its builder", () => {
  const current = { dir: "" };

  beforeEach(async () => {
    current.dir = await makeTempDir("life");
    for (const name of ["context", "daemon"]) await mkdir(join(current.dir, name));
    await copyFile(BUSYBOX, join(current.dir, "context/busybox"));
  });

  afterEach(async () => {
    await removeDir(current.dir);
  });

  /** Arguments of a build that prints /greeting on standard output; `step` runs before it is made. */
  const build = async (step: string): Promise<string[]> => {
    // Without a named context, which the engine of this test is too old for, and without the network that it lacks.
    const shell = SHELL.replace("--from=tools ", "");
    const Dockerfile = `${shell}RUN ${step}; echo hello > /greeting\nFROM scratch\nCOPY --from=shell /greeting /\n`;
    await writeFiles(join(current.dir, "context"), { Dockerfile });
    return ["build", "--no-cache", "--network=none", "-o", "type=tar,dest=-", join(current.dir, "context")];
  };

  const expectBuilds = async (buildx: Buildx): Promise<void> => {
    const { code, stdout, stderr } = await buildx.run(await build("true"));
    expect(code, stderr).to.equal(0);
    expect(stdout.toString()).to.include("hello");
  };

  it("lets a running build end after SIGTERM, and takes no new one", async () => {
    const daemon = await startBuildkitd(join(current.dir, "daemon"));
    const memobuild = await startMemoBuild({ builder: daemon.address });
    try {
      const buildx = await createBuildx(join(current.dir, "client"), `unix://${memobuild.unixSocket}`);
      const running = buildx.start(await build("echo sleep''ing; sleep 4"));
      await poll(() => running.output().includes("sleeping"), Boolean, { what: "the step runs", timeoutMs: 30_000 });
      memobuild.signal("SIGTERM");
      await memobuild.logged("draining");
      const late = connect(memobuild.unixSocket);
      const refused = await within(once(late, "error"), 5_000, "the refusal of a connection");
      expect(refused).to.satisfy(([{ code }]: [NodeJS.ErrnoException]) => REFUSED.has(code));
      const { code, stdout, stderr } = await running.exited;
      expect(code, stderr).to.equal(0);
      expect(stdout.toString()).to.include("hello");
      expect(await within(memobuild.exited, 10_000, "memobuild's exit after the build")).to.equal(0);
    } finally {
      await memobuild.stop();
      await daemon.stop();
    }
  });

  it("runs a builder of its own, starts it again when it dies, and takes it along when it stops", async () => {
    const dataDir = join(current.dir, "data");
    const memobuild = await startMemoBuild({ dataDir, args: ["--buildkitd", join(ROOT, ".tools/bin/buildkitd")] });
    const own = (): number[] =>
      processes()
        .filter(({ parent, command }) => parent === memobuild.pid && command.includes("buildkitd"))
        .map(({ pid }) => pid);
    try {
      await memobuild.logged("builder up", 30_000);
      const buildx = await createBuildx(join(current.dir, "client"), `unix://${memobuild.unixSocket}`);
      await expectBuilds(buildx);
      const [first] = own();
      if (first === undefined) throw new Error("no buildkitd runs as a child of memobuild");
      // What BuildKit is writing when it is killed may not fit together afterwards, and that is not looked at here.
      const exports = async (): Promise<unknown> => (await readSeries(memobuild)).get("memobuild_cache_export_jobs");
      await poll(exports, (running) => running === 0, { what: "the export behind the build", timeoutMs: 30_000 });
      process.kill(first, "SIGKILL");
      await poll(own, ([pid]) => pid !== undefined && pid !== first, { what: "another buildkitd", timeoutMs: 30_000 });
      const readyz = async (): Promise<number> => (await fetch(`${memobuild.http}/readyz`)).status;
      await poll(readyz, (status) => status === 200, { what: "readyz after the restart", timeoutMs: 30_000 });
      await expectBuilds(buildx);
    } finally {
      await memobuild.stop();
    }
    expect(processes().filter(({ command }) => command.includes(dataDir))).to.deep.equal([]);
    expect(mountsBelow(dataDir)).to.deep.equal([]);
  });

  it("builds on the BuildKit in a Docker engine", async function () {
    const engine = await startDockerd(join(current.dir, "daemon")).catch((error: unknown) => {
      process.stderr.write(`skipped, since ${String(error)}\n`);
      return this.skip();
    });
    try {
      const memobuild = await startMemoBuild({ builder: `docker://${engine.socket}` });
      try {
        await expectBuilds(await createBuildx(join(current.dir, "client"), `unix://${memobuild.unixSocket}`));
      } finally {
        await memobuild.stop();
      }
    } finally {
      await engine.stop();
    }
  });
});
