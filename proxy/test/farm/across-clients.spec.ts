/** What a new process of a client is told of builds that ran on different builders, and what it can do to them. */
import { expect } from "chai";
import type { BuildSummary } from "../../builds/build-record.js";
import type { Buildx } from "../support/buildx.js";
import { SHELL } from "../system/world.js";
import { useFarmWorld } from "./farm-world.js";

const PROJECTS_MAX = 12;
const DOCKERFILE = `${SHELL}COPY name /\nRUN echo it is $(cat /name) && cat /name > /made\n`;

describe("a new process of a client of a farm", () => {
  const world = useFarmWorld({ builders: 2 });
  let client: Buildx;
  /** One of each builder. */
  let builds: readonly BuildSummary[] = [];

  before(async () => {
    const one = (all: readonly BuildSummary[]): BuildSummary[] => [
      ...new Map(all.map((build) => [build.builder, build])).values(),
    ];
    for (let index = 0; index < PROJECTS_MAX && builds.length < 2; index++) {
      const name = `project-${index}`;
      await world().build(await world().context(name, { Dockerfile: DOCKERFILE, name }));
      builds = one(await world().ended());
    }
    expect(builds).to.have.length(2);
    // Each command is a process of its own; what buildx calls a build it knows from its configuration.
    client = await world().client();
  });

  const told = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await client.run(args);
    expect(code, stderr).to.equal(0);
    return stdout.toString() + stderr;
  };

  const workerIds = async (): Promise<string[]> => {
    const listed = await Promise.all(world().builders.map((builder) => builder.buildctl("debug", "workers")));
    return listed.map(({ stdout }) => stdout.toString().split("\n")[1]?.split(/\s/)[0] ?? "");
  };

  const ids = (table: string): string[] => Array.from(table.matchAll(/^([a-z0-9]{25})\*?\s/gm), ([, id = ""]) => id);

  it("lists the builds of all builders, and what each is", async () => {
    const table = await told("history", "ls");
    const all = await world().ended();
    for (const { project, ref } of all) expect(table, table).to.match(new RegExp(`^${ref}.*${project} `, "m"));
    for (const { project, ref } of builds) {
      expect(await told("history", "inspect", ref)).to.match(new RegExp(`Name:\\s+${project}`));
      expect(await told("history", "inspect", "attachment", ref, "--type", "provenance")).to.include("buildType");
    }
  });

  it("reads the log of a build wherever it ran", async () => {
    for (const { project, ref } of builds) expect(await told("history", "logs", ref)).to.include(`it is ${project}`);
  });

  it("is told of one node, which is there", async () => {
    expect(await told("inspect", "--bootstrap"))
      .to.match(/Status:\s+running/)
      .and.match(/BuildKit version:\s+v0\.32\.2/);
    expect(await told("ls")).to.include("running");
    const { code, stdout, stderr } = await world().buildctl(["debug", "workers"]);
    expect(code, stderr).to.equal(0);
    expect(ids(stdout.toString())).to.have.members(await workerIds());
  });

  it("sees what all builders keep together", async () => {
    const through = await world().buildctl(["du"]);
    const alone = await Promise.all(world().builders.map((builder) => builder.buildctl("du")));
    const kept = alone.flatMap(({ stdout }) => ids(stdout.toString()));
    expect(kept).not.to.be.empty;
    expect(ids(through.stdout.toString())).to.have.members(kept);
    const table = await told("du");
    for (const id of kept) expect(table).to.include(id);
  });

  it("removes builds from the history of each builder", async () => {
    await told("history", "rm", ...builds.map(({ ref }) => ref));
    const table = await told("history", "ls");
    for (const { ref } of builds) expect(table).not.to.include(ref);
    await told("history", "rm", "--all");
    for (const builder of world().builders) {
      expect((await builder.buildctl("debug", "histories")).stdout.toString().trim().split("\n")).to.have.length(1);
    }
  });

  it("prunes all builders", async () => {
    expect(await told("prune", "--all", "--force")).to.match(/Total:/);
    for (const builder of world().builders) {
      expect(ids((await builder.buildctl("du")).stdout.toString())).to.be.empty;
    }
  });
});
