/** Why a step ran: one real pair of builds for each cause. */
import { expect } from "chai";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import type { Explanation } from "../../builds/build-desk.js";
import { CAUSE_KINDS, type BuildRecord, type CauseKind, type StepCause } from "../../builds/build-record.js";
import { createApiClient } from "../../http/api-client.js";
import { CacheWorld } from "../cache/cache-world.js";
import { runOk } from "../support/command.js";
import { freePort } from "../support/free-port.js";
import { poll } from "../support/poll.js";
import { writeFiles } from "../support/temp-dir.js";
import { SHELL } from "../system/world.js";

interface Built {
  readonly record: BuildRecord;
  readonly explanation: Explanation;
}

interface Build {
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What happens before it. */
  readonly before?: (world: CacheWorld, context: string) => Promise<unknown>;
}

interface Pair {
  readonly cause: CauseKind;
  readonly title: string;
  /** Options of MemoBuild. */
  readonly options?: readonly string[];
  /** Nothing where there is none. */
  readonly first?: Build;
  readonly second: Build;
  /** Which root cause, in order; the first where it is not given. */
  readonly miss?: number;
  /** Name of its step. */
  readonly step: RegExp;
  readonly says: RegExp;
  readonly hint?: RegExp;
  readonly more?: (cause: StepCause, built: Built) => void;
}

const APP = `${SHELL}
FROM shell AS app
ARG WHO=me
COPY src /src
RUN echo $WHO > /who
RUN cat /src/a.txt /who > /all
`;
const FILES = { Dockerfile: APP, "src/a.txt": "a\n", "src/b.txt": "b\n" };
const changed = (from: string, to: string): Readonly<Record<string, string>> => ({ Dockerfile: APP.replace(from, to) });
const extra = (source: string): string[] => ["--build-context", `extra=${source}`];
const WITH_EXTRA = { files: { Dockerfile: `${APP}COPY --from=extra /e.txt /\n`, "extra/e.txt": "e\n" } };

const pruneBuilder = (world: CacheWorld): Promise<unknown> =>
  runOk("buildctl", ["--addr", world.builder, "prune", "--all"]);
const pruneCache = (world: CacheWorld): Promise<unknown> => world.api.prune({}, new AbortController().signal);

/** Images of one file, as OCI layouts in the client's folder. */
async function makeImage(world: CacheWorld, name: string, content: string, ...args: string[]): Promise<void> {
  const dockerfile = "FROM scratch\nCOPY e.txt /\nCOPY --from=tools busybox /bin/busybox\n";
  await writeFiles(world.buildx.dir, { "image/Dockerfile": dockerfile, "image/e.txt": content });
  const output = ["-o", `type=oci,tar=false,dest=${name},name=${name}`];
  const { code, stderr } = await world.buildx.run(world.command("image", ...output, ...args));
  expect(code, stderr).to.equal(0);
}

/** What `made` gives is another one each time; `app` builds on what it copies from there. */
const RANDOM = `${SHELL}
FROM shell AS made
RUN head -c 9 /dev/urandom > /out
FROM shell AS app
COPY --from=made /out /out
RUN cat /out > /copy
`;

const web: { server?: Server; url: string; answer: string; freePort: number } = { url: "", answer: "", freePort: 0 };

const PAIRS: readonly Pair[] = [
  {
    ...{ cause: "first_build", title: "there is no earlier build" },
    second: {},
    ...{ step: /COPY --from=tools/, says: /no earlier build/ },
  },
  {
    ...{ cause: "instruction_changed", title: "a command was changed" },
    first: {},
    second: { files: changed("cat /src/a.txt", "cat /src/b.txt") },
    ...{ step: /RUN cat/, says: /the instruction changed/ },
    more: ({ after, before }) => {
      const both = ["RUN cat /src/a.txt /who > /all", "RUN cat /src/b.txt /who > /all"];
      expect([before, after]).to.deep.equal(both);
    },
  },
  {
    ...{ cause: "instruction_added", title: "an instruction was added" },
    first: {},
    second: { files: changed("RUN cat", "RUN true\nRUN cat") },
    ...{ step: /RUN true/, says: /this instruction is new/ },
    more: ({ cascade }) => {
      expect(cascade?.steps).to.equal(1);
    },
  },
  {
    ...{ cause: "argument_changed", title: "a build argument has another value" },
    first: { args: ["--build-arg", "WHO=marker-one"] },
    second: { args: ["--build-arg", "WHO=marker-two"] },
    ...{ step: /RUN echo/, says: /the value of ARG WHO changed/, hint: /ARG .*as late as possible/ },
    more: ({ names }, { record }) => {
      expect(names).to.deep.equal(["WHO"]);
      expect(JSON.stringify(record)).not.to.match(/marker-(one|two)/);
    },
  },
  {
    ...{ cause: "environment_changed", title: "an environment variable has another value" },
    first: { files: changed("COPY src", "ENV WHERE=here\nCOPY src") },
    second: { files: changed("COPY src", "ENV WHERE=there\nCOPY src") },
    ...{ step: /RUN echo/, says: /environment variable WHERE changed/ },
  },
  {
    ...{ cause: "base_image_changed", title: "a base image has another digest" },
    first: {
      files: { Dockerfile: `FROM extra\nCOPY src /src\n` },
      args: extra("oci-layout://base"),
      before: (world) => makeImage(world, "base", "one\n"),
    },
    second: { args: extra("oci-layout://base"), before: (world) => makeImage(world, "base", "two\n") },
    ...{ step: /OCI load from client/, says: /base image .*digest changed/, hint: /digest/ },
    more: ({ after, before }) => {
      expect(before).to.match(/@sha256:[0-9a-f]{64}$/);
      expect(after).to.match(/@sha256:[0-9a-f]{64}$/);
      expect(after).not.to.equal(before);
    },
  },
  {
    ...{ cause: "platform_changed", title: "a stage is for another platform" },
    first: {
      files: { Dockerfile: 'ARG FOR\nFROM --platform=$FOR extra\nRUN ["/bin/busybox", "true"]\n' },
      args: [...extra("oci-layout://both"), "--build-arg", "FOR=linux/amd64"],
      before: (world) => makeImage(world, "both", "e\n", "--platform", "linux/amd64,linux/386"),
    },
    second: { args: [...extra("oci-layout://both"), "--build-arg", "FOR=linux/386"] },
    ...{ step: /RUN/, says: /the platform changed from linux\/amd64 to linux\/386/ },
  },
  {
    ...{ cause: "context_changed", title: "a named context is an image, and was a folder" },
    first: {
      ...WITH_EXTRA,
      args: extra("image"),
      before: async (world) => {
        await makeImage(world, "layout", "f\n");
        await writeFiles(world.buildx.dir, { "image/e.txt": "other\n" });
      },
    },
    second: { args: extra("oci-layout://layout") },
    ...{ step: /COPY --from=extra/, says: /is the image .* now, and was a folder of the client/ },
  },
  {
    ...{ cause: "source_changed", title: "a download has another address" },
    first: { args: extra("http://%HOST%/one"), files: { Dockerfile: `${APP}COPY --from=extra /context /e.txt\n` } },
    second: {
      args: extra("http://%HOST%/two"),
      before: () => {
        web.answer = "another";
        return Promise.resolve();
      },
    },
    ...{ step: /extra/, says: /the download: its address changed/ },
  },
  {
    ...{ cause: "files_changed", title: "the content of a file was changed" },
    first: {},
    second: { files: { "src/b.txt": "c\n" } },
    ...{ step: /COPY src/, says: /the file src\/b\.txt in the build context changed/ },
    more: ({ cascade, files }, { explanation, record }) => {
      const [root] = explanation.misses;
      const followed = record.steps.filter(({ cause }) => cause?.root !== undefined);
      expect(followed.map(({ cause }) => [cause?.kind, cause?.root])).to.deep.equal([
        ["input_changed", root?.step],
        ["input_changed", root?.step],
      ]);
      expect(followed[0]?.cause?.text).to.match(/it builds on \[app 1\/3\] COPY src \/src, which changed/);
      expect(files).to.deep.equal([{ path: "src/b.txt", change: "content", before: "", after: "" }]);
      expect(cascade?.steps).to.equal(2);
      expect(explanation.misses).to.have.length(1);
    },
  },
  {
    ...{ cause: "files_changed", title: "a file is there that belongs into .dockerignore" },
    first: {},
    second: { files: { "src/debug.log": "noise\n" } },
    ...{ step: /COPY src/, says: /the file src\/debug\.log in the build context is new/, hint: /\.dockerignore/ },
  },
  {
    ...{ cause: "file_modes_changed", title: "a file has another mode and else is the same" },
    first: {},
    second: { before: (_, context) => chmod(join(context, "src/a.txt"), 0o664) },
    ...{ step: /COPY src/, says: /src\/a\.txt .*another mode: 0644 became 0664/, hint: /umask.*--chmod/ },
  },
  {
    ...{ cause: "no_cache", title: "the client asks for it" },
    first: {},
    second: { args: ["--no-cache"] },
    ...{ step: /COPY --from=tools/, says: /--no-cache asks to run every step/ },
  },
  {
    ...{ cause: "evicted", title: "builder and shared cache were pruned" },
    first: {},
    second: { before: async (world) => [await pruneCache(world), await pruneBuilder(world)] },
    ...{ step: /COPY --from=tools/, says: /no longer has it; the shared cache removed it at .*: someone pruned it/ },
  },
  {
    ...{ cause: "not_exported", title: "it was never exported, and the builder is another one" },
    options: ["--cache", "read-only"],
    first: {},
    second: { before: (world) => world.otherBuilder("--cache", "read-only") },
    ...{ step: /COPY --from=tools/, says: /this builder never had this step.*not exported to the shared cache/ },
  },
  {
    ...{ cause: "nondeterministic", title: "a step that runs anew gives something else" },
    // With it, a result may come from there, and the builder's own may be gone.
    options: ["--cache", "off"],
    first: { files: { Dockerfile: RANDOM } },
    second: { args: ["--no-cache-filter", "made"] },
    // First is the step that was asked for.
    miss: 1,
    ...{ step: /COPY --from=made/, says: /RUN head -c 9 .* gave other files than before/, hint: /the same each time/ },
  },
  {
    ...{ cause: "unknown", title: "what a download gives was not seen" },
    first: { files: { Dockerfile: `${APP}ADD %URL% /e.txt\n` } },
    second: {
      before: () => {
        web.answer = "two";
        return Promise.resolve();
      },
    },
    ...{ step: /ADD/, says: /not seen/ },
  },
  {
    ...{ cause: "import_failed", title: "the builder does not reach the shared cache" },
    first: {},
    second: {
      before: (world) =>
        world.otherBuilder("--registry-listen", `127.0.0.1:${web.freePort}`, "--cache-advertise", "127.0.0.1:9"),
    },
    ...{ step: /COPY --from=tools/, says: /this builder never had .*; the builder does not reach the shared cache/ },
  },
];

describe("explanations of misses", () => {
  const worlds = new Map<string, CacheWorld>();
  const worldFor = async (options: readonly string[]): Promise<CacheWorld> => {
    const key = options.join(" ");
    const known = worlds.get(key) ?? (await CacheWorld.start(...options));
    worlds.set(key, known);
    return known;
  };

  before(async () => {
    web.answer = "one";
    web.freePort = await freePort();
    web.server = createServer((_, response) => response.end(web.answer));
    web.server.listen(0, "127.0.0.1");
    await once(web.server, "listening");
    const address = web.server.address();
    web.url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/e.txt`;
  });

  after(async () => {
    for (const world of worlds.values()) await world.stop();
    web.server?.close();
  });

  const build = async (world: CacheWorld, name: string, { args = [], before, files = {} }: Build): Promise<Built> => {
    const { builds } = createApiClient({ socketPath: join(world.dir, "data/api.sock") });
    const written = Object.entries(files).map(([path, text]) => [path, text.replaceAll("%URL%", web.url)]);
    const context = await world.context(name, Object.fromEntries(written) as Record<string, string>);
    await before?.(world, context);
    const given = args.map((text) => text.replace("%HOST%", new URL(web.url).host));
    await world.exportsOf(() => world.build(context, given), 0);
    const latest = await poll(
      () => builds.list({ limit: 1 }),
      (page) => page.builds[0]?.outcome === "succeeded",
      { what: "the build is recorded", timeoutMs: 10_000 },
    );
    const ref = latest.builds[0]?.ref ?? "";
    return { record: await builds.build(ref), explanation: await builds.explain(ref) };
  };

  PAIRS.forEach(({ cause, first, hint, miss: nth = 0, more, options = [], says, second, step, title }, index) => {
    it(`say "${cause}" where ${title}`, async () => {
      const world = await worldFor(options);
      const name = `pair${index}`;
      if (first !== undefined) await build(world, name, { ...first, files: { ...FILES, ...first.files } });
      const files = first === undefined ? { ...FILES, ...second.files } : second.files;
      const built = await build(world, name, { ...second, ...(files !== undefined && { files }) });
      const miss = built.explanation.misses[nth];
      expect(miss?.cause.kind, JSON.stringify(built.explanation.misses)).to.equal(cause);
      expect(miss?.name).to.match(step);
      expect(miss?.cause.text).to.match(says);
      if (hint !== undefined) expect(miss?.cause.hint).to.match(hint);
      if (miss !== undefined) more?.(miss.cause, built);
    });
  });

  it("are known of every cause", () => {
    // Never the root; the pairs with changed files look at those that follow.
    const kinds: readonly CauseKind[] = [...PAIRS.map(({ cause }) => cause), "input_changed"];
    expect(new Set(kinds)).to.deep.equal(new Set(CAUSE_KINDS));
  });
});
