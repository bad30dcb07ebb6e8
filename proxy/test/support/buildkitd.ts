/** Runs a real buildkitd with its state in a directory of the test. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run, start, type Running } from "./command.js";
import type { Certificates } from "./certificates.js";
import { freePort } from "./free-port.js";
import { poll } from "./poll.js";

export interface Buildkitd {
  readonly pid: number;
  /** The unix listener, as `unix:///path`. */
  readonly address: string;
  /** The TCP listener with mutual TLS, as `tcp://127.0.0.1:PORT`; only with certificates. */
  readonly tcp: string;
  log(): string;
  stop(): Promise<void>;
}

async function answers(daemon: Running, address: string): Promise<boolean> {
  const { code } = await run("buildctl", ["--addr", address, "debug", "workers"]);
  if (code === 0) return true;
  if (daemon.output().includes("level=fatal") || daemon.output().includes("buildkitd: ")) {
    throw new Error(`buildkitd does not start:\n${daemon.output()}`);
  }
  return false;
}

function tlsArguments(tcp: string, { ca, serverCert, serverKey }: Certificates): string[] {
  return ["--addr", tcp, "--tlscacert", ca, "--tlscert", serverCert, "--tlskey", serverKey];
}

/**
 * Resolves once the daemon answers. Its state lies in `dir`/bk, which outlives it.
 *
 * @param launcher a command that runs the daemon as another one's child.
 */
export async function startBuildkitd(
  dir: string,
  certificates?: Certificates,
  env: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): Promise<Buildkitd> {
  const address = `unix://${join(dir, "bk.sock")}`;
  const tcp = certificates === undefined ? "" : `tcp://127.0.0.1:${await freePort()}`;
  // buildkitd leaves the sockets of ssh agents in its directory for temporary files.
  await mkdir(join(dir, "tmp"), { recursive: true });
  const daemon = start(
    "env",
    [
      ...[...launcher, "buildkitd"],
      // Else daemons that start at the same time stumble over one socket.
      ...["--otel-socket-path", join(dir, "otel.sock")],
      ...["--root", join(dir, "bk"), "--addr", address, "--oci-worker-net", "host", "--config", join(dir, "none.toml")],
      ...(certificates === undefined ? [] : tlsArguments(tcp, certificates)),
    ],
    { env: { TMPDIR: join(dir, "tmp"), ...env } },
  );
  await poll(() => answers(daemon, address), Boolean, {
    what: "buildkitd answers",
    timeoutMs: 30_000,
    intervalMs: 100,
  });
  return {
    pid: daemon.pid,
    address,
    tcp,
    log: () => daemon.output(),
    stop: async () => {
      await daemon.stop(20_000);
    },
  };
}
