/**
 * Runs Debian's Docker engine with all its state in a directory of the test. It sets up no network by itself; bridges
 * that are asked for work, as far as this machine and their containers need them. With a network of its own it does all
 * that it does elsewhere: it publishes ports, and keeps networks apart.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run, start } from "./command.js";
import { narrowRuntime } from "./narrow-runtime.js";
import { poll, within } from "./poll.js";
import { writeFiles } from "./temp-dir.js";

export interface Dockerd {
  /** Path of the API's socket. */
  readonly socket: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export interface DockerdOptions {
  /** Its network is none but its own: no port and no rule of this machine is touched, and nothing is reached from it. */
  readonly ownNetwork?: boolean;
}

const OWN_NETWORK = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

/** Resolves once the engine answers; rejects with its log when it ends before. */
export async function startDockerd(dir: string, { ownNetwork = false }: DockerdOptions = {}): Promise<Dockerd> {
  const socket = join(dir, "docker.sock");
  const state = ["--data-root", join(dir, "data"), "--exec-root", join(dir, "exec"), "--pidfile", join(dir, "pid")];
  const config = ["--config-file", join(dir, "daemon.json")];
  const network = ["--bridge=none", ...(ownNetwork ? [] : ["--iptables=false"]), "--ip6tables=false"];
  await writeFiles(dir, { "daemon.json": JSON.stringify(await narrowRuntime(dir)) });
  await mkdir(join(dir, "tmp"));
  // Its containerd writes its stacks into the directory for temporary files when it is slow to answer.
  const env = { TMPDIR: join(dir, "tmp") };
  const command = ["dockerd", "--host", `unix://${socket}`, ...state, ...config, ...network];
  const [program = "", ...args] = [...(ownNetwork ? OWN_NETWORK : []), ...command];
  const engine = start(program, args, { env });
  const ended = engine.exited.then(() => {
    throw new Error(`dockerd does not start:\n${engine.output().slice(-2000)}`);
  });
  const answers = poll(() => engine.output().includes("API listen on"), Boolean, {
    what: "dockerd answers",
    timeoutMs: 30_000,
  });
  await Promise.race([answers, ended]);
  ended.catch(() => undefined);
  return {
    socket,
    pid: engine.pid,
    stop: async () => {
      // To the engine alone: it stops its containerd itself, and takes one that ends before for a crash.
      process.kill(engine.pid, "SIGTERM");
      await within(engine.exited, 20_000, "the engine's end").catch(() => engine.stop());
      // The engine leaves its network namespace's file and, at times, its data directory mounted.
      for (const mount of ["exec/netns/default", "data"]) await run("umount", [join(dir, mount)]);
    },
  };
}
