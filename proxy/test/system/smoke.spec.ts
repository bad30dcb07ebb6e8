/** One build of each kind, the short set that also runs on other versions of Node. */
import { expect } from "chai";
import { errorOf, progressOf } from "./progress.js";
import { SHELL, tools, useWorlds } from "./world.js";

describe("a build through MemoBuild", () => {
  const worlds = useWorlds();

  it("prints the same and gives the same files as one without it", async () => {
    const context = await worlds().context("hello", {
      Dockerfile: `${SHELL}RUN cat /bin/busybox | sha256sum > /sum\nFROM scratch\nCOPY --from=shell /sum /\nCOPY name.txt /\n`,
      "name.txt": "world\n",
    });
    const seen = await worlds().same(async ({ buildx }) => {
      const { code, stdout, stderr } = await buildx.run(["build", ...tools(worlds()), "-o", "out", context]);
      return { code, stdout: stdout.toString(), progress: progressOf(stderr) };
    });
    expect(seen.code).to.equal(0);
    expect(seen.progress).to.include("[shell 3/3] RUN cat /bin/busybox | sha256sum > /sum");
  });

  it("shows the failing line of a Dockerfile of 120 KB", async () => {
    const padding = `# ${"x".repeat(1000)}\n`.repeat(120);
    const context = await worlds().context("big", { Dockerfile: `${padding}${SHELL}RUN echo going; exit 3\n` });
    const seen = await worlds().same(async ({ buildx }) => {
      const { code, stderr } = await buildx.run(["build", ...tools(worlds()), context]);
      return { code, error: errorOf(stderr) };
    });
    expect(seen.code).to.equal(1);
    expect(seen.error.join("\n")).to.match(/^Dockerfile:124\n-+\n[^]*124 \| >>> RUN echo going; exit 3/m);
    expect(seen.error.at(-1)).to.include("exit code: 3");
  });
});
