/** How builds fail: what the user reads, which exit code comes, and that nothing goes on running on the daemon. */
import { expect } from "chai";
import { poll } from "../support/poll.js";
import { processes } from "../support/processes.js";
import { errorOf, progressOf } from "./progress.js";
import { SHELL, tools, useWorlds, type World } from "./world.js";

describe("a build through MemoBuild that fails", () => {
  const worlds = useWorlds();

  const outcome = async (
    world: World,
    context: string,
    ...args: string[]
  ): Promise<{ code: number; progress: string[]; error: string[]; stdout: string }> => {
    const { code, stdout, stderr } = await world.buildx.run(["build", ...tools(worlds()), ...args, context]);
    return { code, progress: progressOf(stderr), error: errorOf(stderr), stdout: stdout.toString() };
  };

  it("shows the output and the line of a failing RUN", async () => {
    const context = await worlds().context("run", {
      Dockerfile: `${SHELL}RUN echo out; echo err >&2; exit 42\nRUN echo never\n`,
    });
    const seen = await worlds().same((world) => outcome(world, context));
    expect(seen.code).to.equal(1);
    expect(seen.progress).to.include.members(["out", "err"]);
    expect(seen.error).to.include("   4 | >>> RUN echo out; echo err >&2; exit 42");
    expect(seen.error.at(-1)).to.include("exit code: 42");
  });

  it("shows the line of a syntax error", async () => {
    const context = await worlds().context("syntax", { Dockerfile: "FROM scratch\nCOPPY a b\n" });
    const seen = await worlds().same((world) => outcome(world, context));
    expect(seen.code).to.equal(1);
    expect(seen.error.join("\n")).to.include("   2 | >>> COPPY a b").and.include("unknown instruction: COPPY");
  });

  it("names a stage or a file that does not exist", async () => {
    const context = await worlds().context("missing", { Dockerfile: "FROM scratch\nCOPY absent.txt /\n" });
    const stage = await worlds().same((world) => outcome(world, context, "--target", "nowhere"));
    expect(stage.error.join()).to.include('target stage "nowhere" could not be found');
    const file = await worlds().same((world) => outcome(world, context));
    expect(file.error.join()).to.include('"/absent.txt": not found');
  });

  it("prints the remote stack traces that --debug asks for", async () => {
    const context = await worlds().context("traces", { Dockerfile: `${SHELL}RUN exit 5\n` });
    const seen = await worlds().same(async (world) => {
      const { code, stderr } = await world.buildx.run(["--debug", "build", ...tools(worlds()), context]);
      return {
        code,
        daemonFrames: stderr
          .split("\n")
          .filter((line) => line.startsWith("github.com/moby/buildkit/solver"))
          .sort(),
      };
    });
    expect(seen.daemonFrames).to.not.be.empty;
  });

  for (const call of ["check", "outline", "targets"]) {
    it(`answers --call=${call}`, async () => {
      const context = await worlds().context(`call-${call}`, {
        Dockerfile: `${SHELL}arg X=1\nFROM shell as Other\nWORKDIR relative\n`,
      });
      const seen = await worlds().same((world) => outcome(world, context, `--call=${call}`));
      expect(seen.code).to.equal(call === "check" ? 1 : 0);
      expect(seen.stdout).to.include({ check: "WorkdirRelativePath", outline: "ARG", targets: "shell" }[call]);
    });
  }

  const statusOf = async (world: World, name: string): Promise<string> => {
    const { stdout } = await world.buildx.run(["history", "ls", "--format", "{{.Name}}:{{.Status}}"]);
    return (
      stdout
        .toString()
        .split("\n")
        .find((line) => line.startsWith(`${name}:`)) ?? ""
    );
  };

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it(`leaves nothing running on the daemon when the client gets ${signal}`, async () => {
      // The number makes the step's process known among all others.
      const seconds = { SIGINT: "31471", SIGKILL: "31472" }[signal];
      const name = `stop-${signal.toLowerCase()}`;
      const context = await worlds().context(name, { Dockerfile: `${SHELL}RUN echo sleeping && sleep ${seconds}\n` });
      const isRunning = (): boolean =>
        processes().some(({ command }) => command.startsWith("sleep ") && command.endsWith(seconds));
      const seen = await worlds().same(async (world) => {
        const build = world.buildx.start(["build", ...tools(worlds()), context]);
        await poll(isRunning, Boolean, { what: "the step runs", timeoutMs: 30_000 });
        build.signal(signal);
        const { code } = await build.exited;
        await poll(isRunning, (running) => !running, { what: "the step is gone" });
        const isEnded = (status: string): boolean => status !== "" && !status.endsWith(":Running");
        return {
          code,
          status: await poll(() => statusOf(world, name), isEnded, {
            what: "the build's record is closed",
            intervalMs: 200,
          }),
        };
      });
      expect(seen.code).to.equal(signal === "SIGINT" ? 130 : -1);
      expect(seen.status).to.match(/:(Canceled|Error)$/);
    });
  }
});
