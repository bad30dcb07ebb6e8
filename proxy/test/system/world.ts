/** Two worlds for the same scenario: buildx straight at a buildkitd, and buildx at a MemoBuild in front of another one. */
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { BUSYBOX, run, type CommandOptions, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { expectNoMarkers } from "./markers.js";

export interface World {
  readonly name: "direct" | "through";
  /** Below it everything of this world lies; not part of what is compared. */
  readonly dir: string;
  /** Where clients connect. */
  readonly address: string;
  readonly daemon: Buildkitd;
  readonly memobuild?: MemoBuild;
  readonly buildx: Buildx;
  buildctl(args: readonly string[], options?: CommandOptions): Promise<Outcome>;
}

export interface Worlds {
  /** A directory that both worlds use: contexts, layouts, certificates. */
  readonly shared: string;
  readonly direct: World;
  readonly through: World;
  /** Writes a context below `shared` and returns its path. */
  context(name: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  /** Runs the scenario in both worlds, demands equal results, and returns the one of the direct world. */
  same<T>(scenario: (world: World) => Promise<T>): Promise<T>;
}

/** A Dockerfile's first stage: a shell, out of the named context `tools`. */
export const SHELL = `FROM scratch AS shell
COPY --from=tools busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
`;

/** Arguments of each build that uses `SHELL`. */
export const tools = ({ shared }: Worlds): string[] => ["--build-context", `tools=${join(shared, "tools")}`];

async function enter(
  name: World["name"],
  dir: string,
  memobuild?: (daemon: Buildkitd) => Promise<MemoBuild>,
): Promise<World> {
  await mkdir(dir);
  const daemon = await startBuildkitd(dir);
  const front = await memobuild?.(daemon);
  const address = front === undefined ? daemon.address : `unix://${front.unixSocket}`;
  return {
    ...{ name, dir, address, daemon },
    ...(front === undefined ? {} : { memobuild: front }),
    buildx: await createBuildx(dir, address),
    buildctl: (args, options) => run("buildctl", ["--addr", address, ...args], { cwd: dir, ...options }),
  };
}

async function leave(world: World): Promise<void> {
  if (world.memobuild !== undefined) await expectNoMarkers(world.memobuild);
  await world.memobuild?.stop();
  await world.daemon.stop();
}

/**
 * As long as the cache of a build is being exported, the builder keeps its files for that, and a build after it sends
 * them again: then the two worlds differ in what was transferred, and in what `du` shows.
 */
async function untilExported({ memobuild }: World): Promise<void> {
  if (memobuild === undefined) return;
  await poll(
    () => memobuild.metrics(),
    (metrics) => /^memobuild_cache_export_jobs 0$/m.test(metrics),
    { what: "all exports have ended", timeoutMs: 30_000 },
  );
}

async function same<T>(worlds: readonly World[], scenario: (world: World) => Promise<T>): Promise<T> {
  const [direct, through] = worlds;
  if (direct === undefined || through === undefined) throw new Error("there are two worlds");
  const expected = await scenario(direct);
  await untilExported(through);
  expect(await scenario(through)).to.deep.equal(expected);
  return expected;
}

export async function startWorlds(): Promise<Worlds & { stop(): Promise<void> }> {
  const dir = await makeTempDir("w");
  const shared = join(dir, "shared");
  await mkdir(join(shared, "tools"), { recursive: true });
  await copyFile(BUSYBOX, join(shared, "tools", "busybox"));
  const direct = await enter("direct", join(dir, "d"));
  const through = await enter("through", join(dir, "t"), ({ address }) =>
    startMemoBuild({ builder: address, args: ["--log-level", "trace"] }),
  );
  return {
    ...{ shared, direct, through },
    context: async (name, files) => {
      await writeFiles(join(shared, name), files);
      return join(shared, name);
    },
    same: (scenario) => same([direct, through], scenario),
    stop: async () => {
      await leave(direct);
      await leave(through);
      await removeDir(dir);
    },
  };
}

/** Starts both worlds before the tests of a `describe` block and stops them after; the result is valid within tests only. */
export function useWorlds(): () => Worlds {
  const current: { worlds?: Worlds & { stop(): Promise<void> } } = {};
  before(async () => {
    current.worlds = await startWorlds();
  });
  after(async () => {
    await current.worlds?.stop();
  });
  return () => {
    if (current.worlds === undefined) throw new Error("the worlds exist within tests only");
    return current.worlds;
  };
}
