/** Times a stream of builds of some projects, each with one changed file, by how their builders are chosen. */
import { createHash, randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { apiSocketPath } from "../proxy/config/data-dir.js";
import { createApiClient, type ApiClient } from "../proxy/http/api-client.js";
import { createBuildx, type Buildx } from "../proxy/test/support/buildx.js";
import { BUSYBOX } from "../proxy/test/support/command.js";
import type { MemoBuild } from "../proxy/test/support/memobuild.js";
import { buildxBuild } from "./buildx-build.js";
import { untilNoExportRuns } from "./cache-world.js";
import type { FarmWorld } from "./farm-world.js";
import { median, shuffled } from "./stats.js";

const PROJECTS = 20;
const SOURCE_FILES = 50;
const SOURCE_BYTES = 4096;
const DEPENDENCY_BYTES = 4_000_000;
/** Turns of a shell's loop: some 200 ms and 50 ms. */
const DEPENDENCY_TURNS = 80_000;
const COMPILE_TURNS = 20_000;
const RULES = ["warm", "random", "path hash"] as const;
type Rule = (typeof RULES)[number];
const CACHES = ["on", "off"] as const;
type Cache = (typeof CACHES)[number];

export interface StreamRow {
  readonly rule: Rule;
  readonly cache: Cache;
  readonly project: number;
  readonly lap: number;
  readonly builder: string;
  /** What the client waits. */
  readonly ms: number;
}

/** One way to choose builders, with a MemoBuild of its own: what it knows, and what is cached, comes from its builds. */
interface Arm {
  readonly rule: Rule;
  readonly cache: Cache;
  readonly memobuild: MemoBuild;
  readonly buildx: Buildx;
  readonly api: ApiClient;
  readonly contexts: readonly string[];
  /** Name of the only builder that takes builds; undefined where MemoBuild chooses. */
  only: string | undefined;
}

/** Buildx with its Kubernetes driver: the next point on a ring on which every builder has one. */
function byPathHash(builders: readonly string[], path: string): string {
  const pointOf = (text: string): string => createHash("md5").update(text).digest("hex");
  const ring = builders.map((builder) => ({ builder, point: pointOf(builder) }));
  ring.sort((a, b) => (a.point < b.point ? -1 : 1));
  const next = ring.find(({ point }) => point > pointOf(path)) ?? ring[0];
  if (next === undefined) throw new Error("there are no builders");
  return next.builder;
}

function choose(rule: Rule, builders: readonly string[], context: string): string | undefined {
  if (rule === "warm") return undefined;
  return rule === "path hash" ? byPathHash(builders, context) : shuffled(builders)[0];
}

const burn = (turns: number): string => `i=0; while [ $i -lt ${turns} ]; do i=$((i+1)); done`;

const DOCKERFILE = [
  ...["FROM scratch", "COPY bin /bin", 'SHELL ["/bin/busybox", "sh", "-c"]', "COPY dependencies /"],
  `RUN ${burn(DEPENDENCY_TURNS)}; /bin/busybox head -c ${DEPENDENCY_BYTES} /dev/urandom >/installed`,
  ...["COPY src /src", `RUN ${burn(COMPILE_TURNS)}; /bin/busybox cat /src/* >/compiled`],
].join("\n");

const change = (context: string, file: number): Promise<void> =>
  writeFile(join(context, "src", `file-${file}`), randomBytes(SOURCE_BYTES));

/** Shares no step with another project, nor with the same one of another arm. */
async function writeProject(context: string): Promise<string> {
  await mkdir(join(context, "bin"), { recursive: true });
  await mkdir(join(context, "src"));
  await copyFile(BUSYBOX, join(context, "bin/busybox"));
  await writeFile(join(context, "bin/salt"), randomBytes(32));
  await writeFile(join(context, "dependencies"), randomBytes(32));
  await writeFile(join(context, "Dockerfile"), `${DOCKERFILE}\n`);
  for (let file = 0; file < SOURCE_FILES; file++) await change(context, file);
  return context;
}

async function createArm(world: FarmWorld, rule: Rule, cache: Cache): Promise<Arm> {
  const name = `${rule.replace(" ", "-")}-${cache}`;
  const memobuild = await world.memobuild(name, cache);
  const buildx = await createBuildx(await mkdtemp(join(world.dir, `${name}-`)), `unix://${memobuild.unixSocket}`);
  const contexts: string[] = [];
  for (let number = 0; number < PROJECTS; number++) {
    contexts.push(await writeProject(join(world.dir, `projects-${name}`, `project-${number}`)));
  }
  return {
    rule,
    cache,
    memobuild,
    buildx,
    contexts,
    api: createApiClient({ socketPath: apiSocketPath(memobuild.dataDir) }),
    only: undefined,
  };
}

/** Leaves MemoBuild no other choice: all others are drained. */
async function restrict(arm: Arm, builders: readonly string[], only: string | undefined): Promise<void> {
  if (only === undefined || only === arm.only) return;
  await arm.api.builders.undrain(only);
  const others = arm.only === undefined ? builders.filter((builder) => builder !== only) : [arm.only];
  for (const other of others) await arm.api.builders.drain(other);
  arm.only = only;
}

async function buildOnce(
  world: FarmWorld,
  arm: Arm,
  { project, lap }: Pick<StreamRow, "project" | "lap">,
  signal: AbortSignal,
): Promise<StreamRow> {
  const context = arm.contexts[project] ?? "";
  await change(context, lap % SOURCE_FILES);
  await restrict(arm, world.addresses, choose(arm.rule, world.addresses, context));
  const { wallMs: ms } = await buildxBuild(arm.buildx, [context], signal);
  const { builds } = await arm.api.builds.list({ limit: 1 });
  // Exports of an arm must not slow down the next build of another.
  await untilNoExportRuns(arm.memobuild);
  const { rule, cache } = arm;
  return { rule, cache, project, lap, builder: builds[0]?.builder ?? "", ms };
}

/** @param laps builds of each project. */
export async function measureStream(world: FarmWorld, laps: number, signal: AbortSignal): Promise<StreamRow[]> {
  const arms: Arm[] = [];
  for (const rule of RULES) for (const cache of CACHES) arms.push(await createArm(world, rule, cache));
  const rows: StreamRow[] = [];
  for (let lap = 1; lap <= laps; lap++) {
    for (const project of shuffled([...Array(PROJECTS).keys()])) {
      for (const arm of shuffled(arms)) {
        signal.throwIfAborted();
        const row = await buildOnce(world, arm, { project, lap }, signal);
        rows.push(row);
        process.stderr.write(`stream ${lap}/${project}: ${row.rule}, cache ${row.cache} ${row.ms.toFixed(0)} ms\n`);
      }
    }
  }
  return rows;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Of the builds that are not the first of their project, those on the builder of the one before. */
function returned(rows: readonly StreamRow[]): number {
  const later = rows.filter(({ lap }) => lap > 1);
  const back = later.filter(({ builder, lap, project }) =>
    rows.some((row) => row.project === project && row.lap === lap - 1 && row.builder === builder),
  );
  return back.length / later.length;
}

function busiest(rows: readonly StreamRow[]): number {
  const builders = new Set(rows.map(({ builder }) => builder));
  return Math.max(...[...builders].map((one) => rows.filter(({ builder }) => builder === one).length)) / rows.length;
}

export function describeStream(rows: readonly StreamRow[]): string {
  const totalOf = (rule: Rule, cache: Cache): number =>
    sum(rows.filter((row) => row.rule === rule && row.cache === cache).map(({ ms }) => ms));
  const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
  const lines = CACHES.flatMap((cache) =>
    RULES.map((rule) => {
      const own = rows.filter((row) => row.rule === rule && row.cache === cache);
      const first = median(own.filter(({ lap }) => lap === 1).map(({ ms }) => ms));
      const later = median(own.filter(({ lap }) => lap > 1).map(({ ms }) => ms));
      const total = totalOf(rule, cache);
      const cells = [
        ...[cache, rule, `${(total / 1000).toFixed(1)} s`, (total / totalOf("warm", "on")).toFixed(2)],
        ...[`${first.toFixed(0)} ms`, `${later.toFixed(0)} ms`, percent(returned(own)), percent(busiest(own))],
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  );
  const columns =
    "| shared cache | builder | all builds | of warm with cache | first build | later build | same builder again | busiest builder |";
  return [columns, "| --- | --- | --: | --: | --: | --: | --: | --: |", ...lines].join("\n");
}
