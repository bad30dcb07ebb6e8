/** A build whose last step says something each second, to be looked at and interrupted while it runs. */
import type { BuildSummary } from "../../builds/build-record.js";
import type { Running } from "../support/command.js";
import { poll } from "../support/poll.js";
import { SHELL } from "../system/world.js";
import type { BuildsWorld } from "./builds-world.js";

const TICK_TIMEOUT_MS = 30_000;
export const SLOW_STEP: RegExp = /^\[shell 3\/3\] RUN for tick/;

export const slowDockerfile = (ticks: number, salt = ""): string =>
  `${SHELL}RUN for tick in $(seq ${ticks}); do echo tick $tick ${salt}; sleep 1; done\n`;

export interface SlowBuild {
  readonly client: Running;
  readonly build: BuildSummary;
}

/** Starts it, and waits until its slow step has said so much. */
export async function startSlowBuild(world: BuildsWorld, context: string, ticks: number): Promise<SlowBuild> {
  const client = world.buildx.start(world.command(context, "--no-cache"));
  const build = await world.running();
  await poll(
    () => logOf(world, build.ref),
    (log) => log.includes(`tick ${ticks}`),
    { what: `tick ${ticks} of the slow step`, timeoutMs: TICK_TIMEOUT_MS },
  );
  return { client, build };
}

/** All that the steps of a build have said so far. */
export async function logOf(world: BuildsWorld, ref: string): Promise<string> {
  const texts: string[] = [];
  for (let after = 0; ;) {
    const page = await world.builds.logs(ref, { after, limit: 1_000 });
    texts.push(...page.pieces.map(({ text }) => text));
    if (!page.hasMore) return texts.join("");
    after = page.next;
  }
}
