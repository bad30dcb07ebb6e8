/** Certificate, key and client CA of a TLS listener: read at start, and again when the files change. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import tls from "node:tls";
import type { ListenTls } from "../config/config.js";
import { StartError } from "../config/start-error.js";

export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
}

const OPTION_OF_FILE = { cert: "tls-cert", key: "tls-key", ca: "tls-client-ca" } as const;

/** @throws StartError that names the option whose file cannot be read or used. */
export async function readTlsFiles(files: ListenTls): Promise<TlsMaterial> {
  const [cert, key, ca] = await Promise.all([
    readNamed("cert", files.certFile),
    readNamed("key", files.keyFile),
    files.clientCaFile === undefined ? undefined : readNamed("ca", files.clientCaFile),
  ]);
  usable("cert", files.certFile, { cert });
  usable("key", files.keyFile, { key });
  usable("key", files.keyFile, { cert, key });
  if (ca !== undefined) {
    usable("ca", files.clientCaFile ?? "", { ca });
    if (!ca.includes("-----BEGIN"))
      throw new StartError("tls-client-ca", `${files.clientCaFile ?? ""} is not in PEM form`);
  }
  return { cert, key, ...(ca !== undefined && { ca }) };
}

/** Tells whether the files have changed; by content, so that links swapped as Kubernetes does it count. */
export function fingerprint(material: TlsMaterial): string {
  const hash = createHash("sha256");
  for (const part of [material.cert, material.key, material.ca ?? Buffer.alloc(0)]) {
    hash.update(createHash("sha256").update(part).digest());
  }
  return hash.digest("hex");
}

async function readNamed(kind: keyof typeof OPTION_OF_FILE, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new StartError(OPTION_OF_FILE[kind], `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function usable(kind: keyof typeof OPTION_OF_FILE, path: string, options: tls.SecureContextOptions): void {
  try {
    tls.createSecureContext(options);
  } catch (error) {
    throw new StartError(OPTION_OF_FILE[kind], `cannot use ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
