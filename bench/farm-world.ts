/** What the farm's benchmark runs against: four BuildKit daemons on this machine, and the MemoBuilds before them. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Running } from "../proxy/test/support/command.js";
import { freePort } from "../proxy/test/support/free-port.js";
import { startMemoBuild, type MemoBuild } from "../proxy/test/support/memobuild.js";
import { poll } from "../proxy/test/support/poll.js";
import { makeScratchDir, startDaemon } from "./world.js";

export const DAEMONS = 4;
const REACHABLE_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

export interface FarmWorld {
  readonly dir: string;
  /** Of the daemons, as `unix:///path`. */
  readonly addresses: readonly string[];
  /** Starts a MemoBuild before all daemons; with the shared cache, resolves when all daemons reach that. */
  memobuild(name: string, cache: "on" | "off"): Promise<MemoBuild>;
  close(): Promise<void>;
}

export async function createFarmWorld(): Promise<FarmWorld> {
  const dir = await makeScratchDir();
  const daemons: Running[] = [];
  const memobuilds: MemoBuild[] = [];
  const addresses: string[] = [];
  const close = async (): Promise<void> => {
    for (const memobuild of memobuilds) await memobuild.stop();
    await Promise.all(daemons.map((daemon) => daemon.stop(STOP_LIMIT_MS)));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    for (let number = 0; number < DAEMONS; number++) {
      const own = join(dir, `daemon-${number}`);
      await mkdir(own);
      const unix = `unix://${join(own, "bk.sock")}`;
      daemons.push(await startDaemon(own, { unix, tcp: `tcp://127.0.0.1:${await freePort()}` }));
      addresses.push(unix);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    dir,
    addresses,
    memobuild: async (name, cache) => {
      const args = [...addresses.flatMap((address) => ["--builder", address]), "--cache", cache];
      const memobuild = await startMemoBuild({ args, dataDir: join(dir, `data-${name}`) });
      memobuilds.push(memobuild);
      if (cache === "on") await untilReachable(memobuild);
      return memobuild;
    },
    close,
  };
}

async function untilReachable(memobuild: MemoBuild): Promise<void> {
  const reachable = (): number => memobuild.logs().filter(({ msg }) => msg === "cache reachable").length;
  await poll(reachable, (count) => count >= DAEMONS, {
    what: "all daemons reach the cache",
    timeoutMs: REACHABLE_LIMIT_MS,
  });
}
