/** Turns TCP connections into TLS ones, with certificates that are renewed while we run. */
import type net from "node:net";
import tls from "node:tls";
import type { ListenTls } from "../config/config.js";
import type { Logger } from "../log/create-logger.js";
import { fingerprint, readTlsFiles } from "./tls-files.js";

const HANDSHAKE_TIMEOUT_MS = 30_000;
const FILES_CHECK_INTERVAL_MS = 2_000;

export interface TlsGateDeps {
  readonly files: ListenTls;
  readonly logger: Logger;
  readonly onSecure: (socket: tls.TLSSocket) => void;
  readonly onFailed: () => void;
}

export class TlsGate {
  readonly #deps: TlsGateDeps;
  /** In their handshake, by their client's address. */
  readonly #handshakes = new Map<string, net.Socket>();
  #server: tls.Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Of the files in use. */
  #fingerprint = "";
  #reported = "";

  constructor(deps: TlsGateDeps) {
    this.#deps = deps;
  }

  /** @throws StartError that names the option whose file cannot be used. */
  async start(): Promise<void> {
    const { files, logger, onFailed, onSecure } = this.#deps;
    const material = await readTlsFiles(files);
    this.#fingerprint = fingerprint(material);
    const server = tls.createServer({
      ...material,
      // Without ALPN too: buildx offers none, buildctl insists on h2.
      ALPNProtocols: ["h2"],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      minVersion: "TLSv1.2",
      requestCert: material.ca !== undefined,
      rejectUnauthorized: material.ca !== undefined,
    });
    server.on("secureConnection", (socket) => {
      this.#handshakes.delete(clientOf(socket));
      onSecure(socket);
    });
    server.on("tlsClientError", (error, socket) => {
      onFailed();
      logger.debug({ cause: error.message.trim() }, "TLS handshake failed");
      socket.destroy(); // Node leaves that to us when the time is up
    });
    this.#server = server;
    this.#timer = setInterval(() => {
      void this.#reload(server);
    }, FILES_CHECK_INTERVAL_MS).unref();
  }

  /** Begins the handshake; one of the callbacks follows. */
  handshake(socket: net.Socket): void {
    const client = clientOf(socket);
    this.#handshakes.set(client, socket);
    socket.once("close", () => this.#handshakes.delete(client));
    this.#server?.emit("connection", socket);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const socket of this.#handshakes.values()) socket.destroy();
  }

  /** New connections get the new certificate; files that cannot be used change nothing and are reported once. */
  async #reload(server: tls.Server): Promise<void> {
    const { files, logger } = this.#deps;
    try {
      const material = await readTlsFiles(files);
      this.#reported = "";
      const read = fingerprint(material);
      if (read === this.#fingerprint) return;
      server.setSecureContext({ ...material, minVersion: "TLSv1.2" });
      this.#fingerprint = read;
      logger.info("TLS certificate reloaded");
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      if (cause !== this.#reported) logger.warn({ cause }, "TLS files cannot be reloaded; the old ones stay");
      this.#reported = cause;
    }
  }
}

function clientOf(socket: net.Socket): string {
  return `${socket.remoteAddress ?? ""} ${socket.remotePort ?? 0} ${socket.localPort ?? 0}`;
}
