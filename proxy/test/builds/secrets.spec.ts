/** Nothing of what builds must keep to themselves is in what MemoBuild keeps, tells, logs or counts. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect } from "chai";
import sqlite from "node-sqlite3-wasm";
import type { BuildRecord } from "../../builds/build-record.js";
import { startSshAgent } from "../support/ssh-agent.js";
import { startRegistry, type Registry } from "../support/registry.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";
import { MARKERS } from "../system/markers.js";
import { SHELL } from "../system/world.js";
import { useBuildsWorld } from "./builds-world.js";
import { logOf } from "./slow-build.js";

/** In each place where a build's argument may come to light, but in what a step is told to print from a secret. */
const DOCKERFILE = `${SHELL}ARG TOKEN
ARG PLACE
ENV KEPT=$TOKEN
LABEL kept=$TOKEN
WORKDIR /$PLACE
COPY file /$PLACE/
RUN echo "a step that prints $TOKEN" && test "$KEPT" = "$TOKEN"
RUN --mount=type=secret,id=secret --mount=type=secret,id=variable,env=SECRET test -s /run/secrets/secret && test -n "$SECRET"
RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"
`;
const FAILING = `${SHELL}ARG TOKEN
RUN echo "before it fails: $TOKEN" && cat "/no/$TOKEN"
`;
const MISSING = `${SHELL}ARG TOKEN
COPY $TOKEN /
`;
/** A repository of our own registry: who knows its name may use it. */
const CACHE_TOKEN = /\/[0-9a-f]{32}\/|\/[0-9a-f]{32}[@:]/;

/** Signed, so to say, with the marker. */
function cacheToken(): string {
  const scopes = JSON.stringify([{ Scope: "refs/heads/main", Permission: 3 }]);
  const parts = [
    { alg: "HS256", typ: "JWT" },
    { ac: scopes, exp: 4_000_000_000, nbf: 0 },
  ].map((part) => Buffer.from(JSON.stringify(part)));
  return [...parts.map((part) => part.toString("base64url")), MARKERS.cacheAttribute].join(".");
}

describe("what MemoBuild keeps of builds", () => {
  const world = useBuildsWorld();
  const current: { dir?: string; registry?: Registry } = {};
  const records: BuildRecord[] = [];

  const registry = (): Registry => {
    if (current.registry === undefined) throw new Error("the registry exists within tests only");
    return current.registry;
  };

  before(async () => {
    current.dir = await makeTempDir("reg");
    current.registry = await startRegistry(current.dir);
    await writeFile(join(world().dir, "client/home/config.json"), registry().dockerConfig);
  });

  after(async () => {
    await current.registry?.stop();
    if (current.dir !== undefined) await removeDir(current.dir);
  });

  const build = async (
    project: string,
    dockerfile: string,
    args: readonly string[],
    code = 0,
  ): Promise<BuildRecord> => {
    const context = await world().context(project, { Dockerfile: dockerfile, file: MARKERS.content });
    const secret = join(world().dir, "secret");
    await writeFile(secret, MARKERS.secret);
    const record = await world().recordOf(async () => {
      const more = ["--secret", `id=secret,src=${secret}`, "--secret", "id=variable,env=SECRET_VARIABLE", ...args];
      const env = { SECRET_VARIABLE: MARKERS.secret };
      const outcome = await world().buildx.run(world().command(context, ...more), { env });
      expect(outcome.code, outcome.stderr).to.equal(code);
    });
    records.push(record);
    return record;
  };

  it("comes from builds that are told secrets in every way", async () => {
    const agent = await startSshAgent(world().dir, MARKERS.sshKey);
    try {
      const told = [
        ...["--build-arg", `TOKEN=${MARKERS.buildArg}`, "--build-arg", `PLACE=${MARKERS.buildArg}-place`],
        ...["--label", `told=${MARKERS.label}`, "--ssh", `default=${agent.socket}`],
      ];
      const image = `${registry().host}/app:1`;
      const cache = `type=registry,ref=${registry().host}/cache/${MARKERS.cacheAttribute}:1`;
      const remote = `type=gha,url=http://127.0.0.1:9/,token=${cacheToken()}`;
      const caches = [
        ...["--cache-to", cache, "--cache-from", cache],
        ...["--cache-to", `${remote},ignore-error=true`],
      ];
      const pushed = ["--output", `type=image,name=${image},push=true`, ...caches];
      await build("told", DOCKERFILE, [...told, ...pushed]);
      await build("told", DOCKERFILE.replace("WORKDIR", "USER 0\nWORKDIR"), [...told, ...pushed]);
      const changed = told.map((argument) => argument.replace(/^TOKEN=.*/, `TOKEN=${MARKERS.buildArg}-changed`));
      await build("told", DOCKERFILE, [...changed, "--target", "shell"]);
      await build("failing", FAILING, told, 1);
      await build("failing", MISSING, told, 1);
    } finally {
      await agent.stop();
    }
    const remote = `http://someone:${MARKERS.password}@127.0.0.1:9/team/app.git`;
    const remoteBuild = ["build", "--frontend", "dockerfile.v0", "--opt", `context=${remote}`];
    records.push(await world().recordOf(() => world().buildctl(remoteBuild)));
    expect(records.at(-1)?.project).to.equal("127.0.0.1/team/app");
    await world().exported();
    expect(records.map(({ outcome }) => outcome)).to.deep.equal([
      ...["succeeded", "succeeded", "succeeded"],
      ...["failed", "failed", "failed"],
    ]);
  });

  /** All that the API has to say of them. */
  const toldByApi = async (): Promise<string[]> => {
    const { api, builds } = world();
    const texts: unknown[] = [
      await world().all(),
      await api.status(),
      await api.builders.report(),
      await api.cache.usage(),
    ];
    for (const { ref } of records)
      texts.push(
        await builds.build(ref),
        await builds.graph(ref),
        await builds.explain(ref),
        await logOf(world(), ref),
      );
    for (const [index, { ref }] of records.entries())
      texts.push(await builds.compare(records[Math.max(0, index - 1)]?.ref ?? ref, ref));
    texts.push(await builds.figures({ sinceMs: 0 }), await api.cache.list({ limit: 1_000 }));
    return texts.map((text) => JSON.stringify(text));
  };

  const expectNone = (texts: readonly string[], what: string): void => {
    for (const text of texts)
      for (const marker of Object.values(MARKERS))
        expect(text.includes(marker), `${marker} in ${what}: ${around(text, marker)}`).to.equal(false);
  };
  const around = (text: string, marker: string): string => {
    const at = text.indexOf(marker);
    return at === -1 ? "" : text.slice(Math.max(0, at - 200), at + 100);
  };

  it("is told without them, and without the names of the cache's repositories", async () => {
    const texts = await toldByApi();
    expectNone(texts, "the API");
    for (const text of texts) expect(CACHE_TOKEN.exec(text)?.[0]).to.equal(undefined);
    // What stands in their place.
    expect(await logOf(world(), records[0]?.ref ?? "")).to.include("a step that prints ${TOKEN}");
    expect(records[0]?.argumentNames).to.deep.equal(["PLACE", "TOKEN"]);
    expect(records[4]?.error).to.include("${TOKEN}");
  });

  it("is logged and counted without them", async () => {
    expectNone(
      world()
        .memoBuild.logs()
        .map((line) => JSON.stringify(line)),
      "the log",
    );
    expectNone([await world().memoBuild.metrics()], "the metrics");
  });

  it("is stored without them", async () => {
    await world().memoBuild.stop();
    const files = (await readdir(world().dataDir, { recursive: true, withFileTypes: true }))
      .filter((file) => file.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
      // Layers are the users' own.
      .filter((path) => !path.includes("/cache/blobs/"));
    expect(files.some((path) => path.endsWith("index.db"))).to.equal(true);
    for (const path of files) expectNone([await readFile(path, "latin1")], path);
    const values = storedValues(join(world().dataDir, "cache/index.db"));
    expect(values.filter((value) => value.includes("a step that prints"))).to.have.length.above(0);
    expectNone(values, "the database");
    await world().startAgain();
  });
});

/** All values of all tables, unpacked where they are packed. */
function storedValues(path: string): string[] {
  const database = new sqlite.Database(path);
  try {
    // As MemoBuild has it: without that, a write-ahead log needs memory that processes share.
    database.exec("PRAGMA locking_mode = EXCLUSIVE");
    const named = "SELECT group_concat(name) AS names FROM sqlite_schema WHERE type = 'table'";
    const names = textOf(database.get(named)?.["names"]).split(",");
    const rows: unknown[] = names.flatMap((table) => database.all(`SELECT * FROM "${table}"`));
    return rows.flatMap((row) => (isRow(row) ? Object.values(row).map(textOf) : []));
  } finally {
    database.close();
  }
}

const isRow = (row: unknown): row is Readonly<Record<string, unknown>> => typeof row === "object" && row !== null;

function textOf(value: unknown): string {
  if (!(value instanceof Uint8Array)) return typeof value === "string" ? value : JSON.stringify(value);
  try {
    return inflateSync(value).toString();
  } catch {
    return Buffer.from(value).toString("latin1");
  }
}
