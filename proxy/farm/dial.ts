/** Connects to a builder: unix socket, TCP with or without TLS, or the Docker Engine's socket. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { BuilderAddress, BuilderTls } from "../config/builder-address.js";
import { formatBuilderAddress } from "../config/builder-address.js";
import type { Builder } from "./builder.js";
import { withDeadline } from "./deadline.js";

/** Shorter than the 15 s that buildx gives its first call of a build (LLBBridge.Ping). */
const DIAL_TIMEOUT_MS = 10_000;
const DIAL_TIMED_OUT = `no connection within ${DIAL_TIMEOUT_MS / 1000} s`;
/** First TCP keep-alive probe: it finds a peer that vanished; HTTP/2 pings would make grpc-go close the connection. */
const TCP_KEEP_ALIVE_MS = 30_000;

export function addressBuilder(address: BuilderAddress): Builder {
  return {
    address: formatBuilderAddress(address),
    dial: (signal) => withDeadline(signal, DIAL_TIMEOUT_MS, DIAL_TIMED_OUT, (limited) => dial(address, limited)),
  };
}

async function dial(address: BuilderAddress, signal: AbortSignal): Promise<Duplex> {
  switch (address.kind) {
    case "unix":
      return connected(net.connect({ path: address.path }), "connect", signal);
    case "tcp":
      return address.tls === undefined
        ? connected(connectTcp(address.host, address.port), "connect", signal)
        : dialTls(address.host, address.port, address.tls, signal);
    case "docker":
      return upgradeDocker(address.path, signal);
  }
}

function connectTcp(host: string, port: number): net.Socket {
  return net.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEP_ALIVE_MS });
}

/** The files are read anew each time, so that renewed certificates are taken up without a restart. */
async function dialTls(host: string, port: number, files: BuilderTls, signal: AbortSignal): Promise<Duplex> {
  const [ca, cert, key] = await Promise.all([
    readFile(files.caFile),
    files.certFile === undefined ? undefined : readFile(files.certFile),
    files.keyFile === undefined ? undefined : readFile(files.keyFile),
  ]);
  const name = files.serverName ?? host;
  const socket = tls.connect({
    socket: connectTcp(host, port),
    ca,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    // SNI takes no IP address; the certificate is checked against it all the same.
    ...(net.isIP(name) === 0 && { servername: name }),
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
    ALPNProtocols: ["h2"],
    minVersion: "TLSv1.2",
  });
  return connected(socket, "secureConnect", signal);
}

/** `POST /grpc` with an upgrade to h2c: the engine then serves its own BuildKit's API on the socket. */
async function upgradeDocker(path: string, signal: AbortSignal): Promise<Duplex> {
  const upgrade = request({
    socketPath: path,
    method: "POST",
    path: "/grpc",
    headers: { Connection: "Upgrade", Upgrade: "h2c" },
    signal,
  });
  const upgraded = new Promise<Duplex>((resolve, reject) => {
    upgrade.on("upgrade", (_, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    upgrade.on("response", (response) => {
      response.destroy();
      reject(new Error(`the engine refused the upgrade to its BuildKit with HTTP ${String(response.statusCode)}`));
    });
    upgrade.on("error", reject);
  });
  upgrade.end();
  return upgraded;
}

async function connected(
  socket: net.Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<net.Socket> {
  try {
    await once(socket, event, { signal });
    return socket;
  } catch (error) {
    socket.on("error", () => undefined); // what comes now says nothing more than `error`
    socket.destroy();
    throw error;
  }
}
