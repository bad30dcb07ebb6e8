/** A project whose one step makes something new each time that it is run: whoever has the same has not run it again. */
import { copyFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { BUSYBOX } from "../support/command.js";
import { poll } from "../support/poll.js";
import { growth } from "../support/series.js";
import type { FarmWorld } from "./farm-world.js";

const EXPORTS = "memobuild_cache_exports_total";
const REACHABLE = "memobuild_cache_builder_reachable";
const TIMEOUT_MS = 30_000;

/** Projects have no step in common. All that they need is in their contexts: not every builder knows named ones. */
const dockerfileOf = (name: string): string => `FROM scratch AS shell
COPY busybox /${name}/
COPY busybox /bin/sh
RUN read made < /proc/sys/kernel/random/uuid && echo $made > /made
FROM scratch
COPY --from=shell /made /
`;
/** All that are not of a base image. */
export const STEPS = 4;
/** An engine of the tests has no network for builds. */
const NO_NETWORK = ["--network", "none"];

export async function writeProject(world: FarmWorld, name: string): Promise<string> {
  const context = await world.context(name, { Dockerfile: dockerfileOf(name) });
  await copyFile(BUSYBOX, join(context, "busybox"));
  return context;
}

/** The first client does, without named contexts. */
export async function build(world: FarmWorld, context: string, ...args: readonly string[]): Promise<void> {
  const client = await world.client();
  const { code, stderr } = await client.run(["build", ...NO_NETWORK, ...args, context]);
  expect(code, stderr).to.equal(0);
}

/** Builds it. @returns what its step made. */
export async function madeBy(world: FarmWorld, context: string): Promise<string> {
  const output = join(world.dir, "output");
  await build(world, context, "--output", output);
  return readFile(join(output, "made"), "utf8");
}

/** As above, and waits until its steps are in the shared cache. */
export async function published(world: FarmWorld, context: string): Promise<string> {
  const before = await world.series();
  const made = await madeBy(world, context);
  await poll(
    async () => growth(before, await world.series(), EXPORTS),
    (exports) => exports["published"] === 1,
    { what: "its steps are in the shared cache", timeoutMs: TIMEOUT_MS, intervalMs: 100 },
  );
  return made;
}

/** Resolves when so many builders are known to reach the shared cache. */
export async function allReach(world: FarmWorld, count: number): Promise<void> {
  await poll(
    async () => [...(await world.series())].filter(([key, value]) => key.startsWith(`${REACHABLE}{`) && value === 1),
    (reaching) => reaching.length === count,
    { what: `${count} builders reach the shared cache`, timeoutMs: TIMEOUT_MS, intervalMs: 100 },
  );
}
