/** Builders that are drained, removed and added while builds run, by the command line and the API. */
import { expect } from "chai";
import type { BuilderReport } from "../../farm/builder-desk.js";
import { ApiError } from "../../http/api-error.js";
import type { Running } from "../support/command.js";
import { poll } from "../support/poll.js";
import { SHELL } from "../system/world.js";
import { useFarmWorld } from "./farm-world.js";

const never = new AbortController().signal;
const SHOWN_TIMEOUT_MS = 30_000;
const QUICK = "FROM scratch\nCOPY . /\n";
const slowDockerfile = (seconds: number): string => `${SHELL}RUN echo begun && sleep ${seconds}\n`;

describe("memobuild builders", () => {
  const world = useFarmWorld({ builders: 3 });

  interface Slow {
    readonly running: Running;
    readonly address: string;
  }

  /** Starts a build of the project; its slow step runs. */
  const startSlow = async (project: string, seconds: number): Promise<Slow> => {
    const context = await world().context(project, { Dockerfile: slowDockerfile(seconds), salt: project });
    const running = (await world().client()).start(world().command(context, "--no-cache"));
    await poll(
      () => running.output(),
      (output) => /^#\d+ [\d.]+ begun/m.test(output),
      { what: "the slow step runs", timeoutMs: SHOWN_TIMEOUT_MS },
    );
    return { running, address: await world().homeOf(project) };
  };

  const quick = async (project: string, content: string): Promise<string> => {
    const context = await world().context(project, { Dockerfile: QUICK, file: content });
    await world().build(context);
    await world().ended(project);
    return world().homeOf(project);
  };

  const expectEnds = async ({ running }: Slow, code: number): Promise<string> => {
    const outcome = await running.exited;
    expect(outcome.code, outcome.stderr).to.equal(code);
    return outcome.stderr;
  };

  const builders = async (...args: string[]): Promise<string> => {
    const { code, stderr, stdout } = await world().memobuild("builders", ...args);
    expect(code, stderr).to.equal(0);
    return stdout.toString();
  };

  const reportOf = async (address: string): Promise<BuilderReport | undefined> =>
    (await world().desk.report()).builders.find((builder) => builder.address === address);

  const refusal = async (action: Promise<unknown>): Promise<string> => {
    try {
      await action;
    } catch (error) {
      if (error instanceof ApiError) return `${error.code}: ${error.message}`;
      throw error;
    }
    return "no refusal";
  };

  it("drain lets the builds there end and sends further ones elsewhere; undrain takes it back", async () => {
    const slow = await startSlow("drained", 5);
    await builders("drain", slow.address);
    expect(await reportOf(slow.address)).to.include({ isDraining: true, clients: 1, runningBuilds: 1 });
    expect(await quick("drained", "while it drains")).not.to.equal(slow.address);
    await expectEnds(slow, 0);
    await builders("undrain", slow.address);
    expect(await reportOf(slow.address)).to.include({ isDraining: false, clients: 0, runningBuilds: 0 });
    // What took long is worth more than what did not.
    expect(await quick("drained", "afterwards")).to.equal(slow.address);
  });

  it("rm waits for the builds that run there, and then it is gone", async () => {
    const slow = await startSlow("removed", 5);
    const removal = builders("rm", "--yes", slow.address);
    await poll(
      () => reportOf(slow.address),
      (report) => report?.isDraining === true,
      { what: "it drains" },
    );
    expect(await quick("removed", "while it goes")).not.to.equal(slow.address);
    await expectEnds(slow, 0);
    await removal;
    expect(await reportOf(slow.address)).to.equal(undefined);
    await builders("add", slow.address);
    await world().allUp(3);
  });

  it("rm --force ends the builds that run there, with its name", async () => {
    const slow = await startSlow("forced", 30);
    await builders("rm", "--yes", "--force", slow.address);
    const stderr = await expectEnds(slow, 1);
    expect(stderr).to.match(
      new RegExp(`Unavailable.*memobuild: builder ${slow.address}: it was removed from the farm; the build is lost`),
    );
    expect(await reportOf(slow.address)).to.equal(undefined);
    const [record] = await world().ended("forced");
    expect(record).to.include({ builder: slow.address, outcome: "failed" });
    expect(await quick("forced", "again")).not.to.equal(slow.address);
    await builders("add", slow.address);
    await world().allUp(3);
  });

  it("add takes an address that does not answer yet, and uses it once it does", async () => {
    const { address, network } = await world().newBuilder();
    await network.refuse();
    expect(await world().desk.add(address)).to.include({ address, origin: "added", state: "down" });
    await quick("meanwhile", "one");
    await network.open();
    await world().allUp(4);
    for (const { address: other } of world().builders.slice(0, 3)) await builders("drain", other);
    expect(await quick("newcomer", "one")).to.equal(address);
    for (const { address: other } of world().builders.slice(0, 3)) await builders("undrain", other);
  });

  it("keeps what was added and drained across a restart", async () => {
    const [first, , , added] = world().builders.map(({ address }) => address);
    await builders("drain", first ?? "");
    await world().restart();
    await world().allUp(4);
    expect(await reportOf(first ?? "")).to.include({ isDraining: true });
    expect(await reportOf(added ?? "")).to.include({ origin: "added", isDraining: false });
    await builders("undrain", first ?? "");
  });

  it("says what cannot be done", async () => {
    const { desk } = world();
    const [first] = world().builders;
    expect(await refusal(desk.inspect("tcp://nobody:1"))).to.equal("not_found: there is no builder tcp://nobody:1");
    expect(await refusal(desk.drain("tcp://nobody:1"))).to.match(/^not_found: /);
    expect(await refusal(desk.remove("tcp://nobody:1", { isForced: false }, never))).to.match(/^not_found: /);
    expect(await refusal(desk.add(first?.address ?? ""))).to.match(/^exists: /);
    expect(await refusal(desk.add("tcp://"))).to.match(/^bad_request: /);
    const { code, stderr } = await world().memobuild("builders", "drain", "nobody");
    expect(code).not.to.equal(0);
    expect(stderr).to.include("there is no builder nobody");
  });

  it("leaves the last builder in the farm", async () => {
    const [last, ...others] = (await world().desk.report()).builders;
    for (const { name } of others) await builders("rm", "--yes", name);
    expect(await refusal(world().desk.remove(last?.name ?? "", { isForced: true }, never))).to.match(/^last_builder: /);
    expect(await quick("last", "one")).to.equal(last?.address);
  });
});
