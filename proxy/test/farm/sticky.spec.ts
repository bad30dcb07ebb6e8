/** What belongs together goes to one builder: targets of a bake, sessions that they share, all that one client builds. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { runOk } from "../support/command.js";
import { growth } from "../support/series.js";
import { SHELL } from "../system/world.js";
import { inParallel } from "./in-parallel.js";
import { useFarmWorld } from "./farm-world.js";

const TARGETS = 12;
/** Of them, those that build on each other; the others all build on the last of these. */
const CHAIN = 6;

const CHAIN_LINK =
  "FROM base\nARG name\nCOPY --from=previous /chain /before\nRUN cat /before > /chain && echo $name >> /chain\n";
const LEAF = "FROM scratch\nARG name\nCOPY --from=last /chain /chain\n";

interface Target {
  readonly context: string;
  readonly dockerfile?: string;
  readonly contexts?: Readonly<Record<string, string>>;
  readonly args?: Readonly<Record<string, string>>;
  readonly output: readonly string[];
}

const bakeFile = (target: Readonly<Record<string, Target>>): string =>
  JSON.stringify({ group: { default: { targets: Object.keys(target) } }, target });

describe("a farm of three", () => {
  const world = useFarmWorld({ builders: 3 });

  const bake = async (dir: string, ...args: string[]): Promise<string> => {
    const client = await world().client();
    const command = ["bake", "--allow=fs=*", "-f", join(dir, "bake.json"), ...args];
    const { code, stderr } = await client.run(command, { cwd: dir, timeoutMs: 90_000 });
    expect(code, stderr).to.equal(0);
    return stderr;
  };

  it("builds twelve linked targets of a bake on one builder", async () => {
    const out = (name: string): string[] => [`type=local,dest=out/${name}`];
    const links = Array.from({ length: CHAIN }, (_, index): [string, Target] => {
      const previous = index === 0 ? "target:base" : `target:link-${index}`;
      const name = `link-${index + 1}`;
      const contexts = { base: "target:base", previous };
      return [name, { context: "chain", contexts, args: { name }, output: out(name) }];
    });
    const leaves = Array.from({ length: TARGETS - 1 - CHAIN }, (_, index): [string, Target] => {
      const name = `leaf-${index + 1}`;
      return [name, { context: `leaf-${index + 1}`, contexts: { last: `target:link-${CHAIN}` }, output: out(name) }];
    });
    const tools = { tools: join(world().dir, "tools") };
    const base: Target = { context: "base", contexts: tools, output: out("base") };
    const dir = await world().context("linked", {
      "base/Dockerfile": `${SHELL}RUN echo base > /chain\n`,
      "chain/Dockerfile": CHAIN_LINK,
      ...Object.fromEntries(leaves.map(([name]) => [`${name}/Dockerfile`, LEAF])),
      "bake.json": bakeFile({ base, ...Object.fromEntries([...links, ...leaves]) }),
    });
    await bake(dir, "--metadata-file", join(dir, "metadata.json"), "--provenance=mode=max");
    const expected = ["base", ...links.map(([name]) => name), ""].join("\n");
    for (const [name] of leaves) expect(await readFile(join(dir, `out/${name}/chain`), "utf8")).to.equal(expected);
    const builds = await world().ended();
    expect(builds).to.have.length(TARGETS);
    expect(new Set(builds.map(({ builder }) => builder)).size).to.equal(1);
    const metadata = JSON.parse(await readFile(join(dir, "metadata.json"), "utf8")) as Record<string, object>;
    for (const [name] of [...links, ...leaves]) {
      expect(metadata[name], name).to.have.property("buildx.build.ref");
      expect(metadata[name], name).to.have.property("buildx.build.provenance");
    }
  });

  it("builds targets that share a directory, and so a session, on one builder", async () => {
    const names = ["one", "two", "three"];
    const target = (name: string): Target => ({
      ...{ context: "src", dockerfile: `${name}.Dockerfile`, output: [`type=local,dest=out/${name}`] },
    });
    const dir = await world().context("shared", {
      ...Object.fromEntries(names.map((name) => [`src/${name}.Dockerfile`, `FROM scratch\nCOPY file /${name}\n`])),
      "src/file": "shared\n",
      "bake.json": bakeFile(Object.fromEntries(names.map((name) => [name, target(name)]))),
    });
    const before = (await world().ended()).length;
    await bake(dir);
    for (const name of names) expect(await readFile(join(dir, `out/${name}/${name}`), "utf8")).to.equal("shared\n");
    const builds = (await world().ended()).slice(0, -before);
    expect(builds).to.have.length(names.length);
    expect(new Set(builds.map(({ builder }) => builder)).size).to.equal(1);
  });

  it("serves two clients at once, each on the builder of its project", async () => {
    const projects = ["left", "right", "middle", "far"];
    const round = (name: string): Promise<void> =>
      inParallel(2, projects.length, async (index, client) => {
        const project = projects[index] ?? "";
        const context = await world().context(project, { Dockerfile: "FROM scratch\nCOPY . /\n", file: name });
        const { code, stderr } = await (await world().client(client)).run(["build", context]);
        expect(code, stderr).to.equal(0);
      });
    const homes = async (): Promise<string[]> => {
      await world().ended();
      return Promise.all(projects.map((project) => world().homeOf(project)));
    };
    await round("first");
    const first = await homes();
    const before = await world().series();
    await round("second");
    expect(await homes()).to.deep.equal(first);
    const placements = growth(before, await world().series(), "memobuild_placements_total");
    expect(placements).to.deep.equal({ warm: projects.length });
  });

  it("returns a build of a git repository to its builder", async () => {
    const repository = await world().context("origin", { Dockerfile: "FROM scratch\nCOPY file /\n", file: "one\n" });
    const git = (...args: string[]): Promise<string> => runOk("git", args, { cwd: repository });
    await git("init", "--quiet", "--initial-branch=main");
    await git("add", ".");
    await git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one");
    // A checkout with its own remote is a project of that remote's name, wherever it lies.
    await git("remote", "add", "origin", "https://example.org/acme/origin.git");
    for (const round of ["first", "second"]) await world().build(repository, "--build-arg", `round=${round}`);
    const builds = await world().ended("origin");
    expect(builds).to.have.length(2);
    expect(new Set(builds.map(({ builder }) => builder)).size).to.equal(1);
  });
});
