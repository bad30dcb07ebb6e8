/** Binds a server to a unix socket or a TCP port. A unix socket that nobody serves any more is replaced. */
import { once } from "node:events";
import { lstat, mkdir, unlink } from "node:fs/promises";
import net from "node:net";
import { dirname } from "node:path";
import { formatListenAddress } from "../config/listen-address.js";
import type { ListenAddress } from "../config/listen-address.js";

/** Whoever reaches a BuildKit socket is root on the builder: only the user that runs us may. */
const SOCKET_UMASK = 0o177;
const FOLDER_MODE = 0o700;

/**
 * Starts listening.
 *
 * @returns the address, with the port that the system chose where 0 was asked for.
 * @throws Error of the system (EADDRINUSE, EACCES, …).
 */
export async function listenOn(server: net.Server, address: ListenAddress): Promise<string> {
  if (address.kind === "tcp") {
    await listening(server, () => server.listen({ host: address.host, port: address.port }));
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
    return formatListenAddress({ ...address, port });
  }
  await makeFolder(dirname(address.path));
  await removeStaleSocket(address.path);
  // The socket is made before `listen` returns, so that nobody can connect before its mode is set.
  await listening(server, () => {
    const umask = process.umask(SOCKET_UMASK);
    server.listen({ path: address.path });
    process.umask(umask);
  });
  return formatListenAddress(address);
}

async function listening(server: net.Server, listen: () => void): Promise<void> {
  const ready = once(server, "listening");
  listen();
  await ready;
}

/** Makes the last folder of a path alone: whatever is above it is not ours to make. */
async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: FOLDER_MODE }).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  });
}

/** Left behind by a process that was killed. Anything else at that path is left alone, and then in the way. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined); // not there: nothing to remove
  if (found?.isSocket() !== true) return;
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = net.connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED");
    });
  });
  if (!isServed) await unlink(path);
}
