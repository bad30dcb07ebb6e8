/** What a case runs against: one BuildKit daemon, and the ways to it. Everything lies in one directory that is removed. */
import { mkdir, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBuildx, type Buildx } from "../proxy/test/support/buildx.js";
import { ROOT, run, start, type Running } from "../proxy/test/support/command.js";
import { freePort } from "../proxy/test/support/free-port.js";
import { startMemoBuild } from "../proxy/test/support/memobuild.js";
import { poll } from "../proxy/test/support/poll.js";
import { mountsBelow } from "../proxy/test/support/processes.js";

export const ROUTES = ["direct", "memobuild", "pipe"] as const;
export type Route = (typeof ROUTES)[number];
export type Transport = "unix" | "tcp";

const PIPE = fileURLToPath(new URL("pipe.ts", import.meta.url));
const MEMORY_DISK = "/dev/shm";
const SCRATCH_BYTES = 6 * 2 ** 30;

/** The node that runs MemoBuild and the pipe. */
export const nodeUnderTest = (): string => process.env["MEMOBUILD_TEST_NODE"] ?? process.execPath;

/** Memory where there is enough, so that the speed of a disk does not hide what the relay costs. */
export async function makeScratchDir(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY_DISK).catch(() => ({ bavail: 0, bsize: 0 }));
  return mkdtemp(join(bavail * bsize > SCRATCH_BYTES ? MEMORY_DISK : tmpdir(), "mb-bench-"));
}

export async function startDaemon(dir: string, addresses: Readonly<Record<Transport, string>>): Promise<Running> {
  const tmp = join(dir, "tmp");
  await mkdir(tmp);
  const listen = ["--addr", addresses.unix, "--addr", addresses.tcp];
  const state = ["--root", join(dir, "bk"), "--oci-worker-net", "host", "--config", join(dir, "none.toml")];
  const daemon = start("buildkitd", [...state, ...listen], { env: { TMPDIR: tmp } });
  const answers = async (): Promise<boolean> => {
    const { code } = await run("buildctl", ["--addr", addresses.unix, "debug", "workers"]);
    return code === 0;
  };
  await poll(answers, Boolean, { what: "buildkitd answers", timeoutMs: 30_000, intervalMs: 100 });
  return daemon;
}

export interface Ways {
  readonly memobuildPid: number;
  readonly pipePid: number;
  /** A unix socket's path or a URL, as buildx takes it. */
  readonly address: Readonly<Record<Route, string>>;
  readonly buildx: Readonly<Record<Route, Buildx>>;
  close(): Promise<void>;
}

export interface World {
  readonly dir: string;
  /** Starts a fresh MemoBuild and a fresh pipe before the daemon. */
  openWays(transport: Transport): Promise<Ways>;
  close(): Promise<void>;
}

async function startPipe(dir: string, target: string): Promise<{ readonly socket: string; readonly process: Running }> {
  const socket = join(dir, "pipe.sock");
  // From here, because that is where tsx is installed.
  const pipe = start(nodeUnderTest(), ["--import", "tsx", PIPE, socket, target], { cwd: ROOT });
  await poll(() => pipe.output().includes("listening"), Boolean, { what: "the pipe listens", timeoutMs: 20_000 });
  return { socket, process: pipe };
}

async function openWays(dir: string, daemon: Readonly<Record<Transport, string>>, via: Transport): Promise<Ways> {
  // The relay alone; `npm run bench -- cache` tells what the cache adds.
  const memobuild = await startMemoBuild({ builder: daemon[via], args: ["--cache", "off"] });
  const pipe = await startPipe(dir, daemon.unix.slice("unix://".length));
  const address = {
    direct: daemon[via],
    memobuild: via === "tcp" ? memobuild.tcp : `unix://${memobuild.unixSocket}`,
    pipe: `unix://${pipe.socket}`,
  };
  const close = async (): Promise<void> => {
    await pipe.process.stop();
    await memobuild.stop();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const buildx = {
      direct: await createBuildx(join(dir, "direct"), address.direct),
      memobuild: await createBuildx(join(dir, "memobuild"), address.memobuild),
      pipe: await createBuildx(join(dir, "pipe"), address.pipe),
    };
    return { memobuildPid: memobuild.pid, pipePid: pipe.process.pid, address, buildx, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function createWorld(): Promise<World> {
  const dir = await makeScratchDir();
  const addresses = { unix: `unix://${join(dir, "bk.sock")}`, tcp: `tcp://127.0.0.1:${await freePort()}` };
  const daemon = await startDaemon(dir, addresses);
  return {
    dir,
    openWays: async (transport) => openWays(await mkdtemp(join(dir, "ways-")), addresses, transport),
    close: async () => {
      await daemon.stop(30_000);
      const mounts = mountsBelow(dir);
      if (mounts.length > 0) throw new Error(`buildkitd left mounts: ${mounts.join(" ")}`);
      await rm(dir, { recursive: true, force: true });
    },
  };
}
