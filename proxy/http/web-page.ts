/** The web page as it was built: a few files in memory, so that no request names a file of the disk. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";

/** Two folders up both from the sources and from what they are compiled to. */
export const PAGE_FOLDER: string = fileURLToPath(new URL("../../extension-ui/dist/", import.meta.url));

export interface PageFile {
  readonly type: string;
  readonly cacheControl: string;
  /** Changes with the content. */
  readonly etag: string;
  readonly body: Buffer;
}

const TYPES = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".json", "application/json"],
  [".svg", "image/svg+xml"],
  [".png", "image/png"],
  [".ico", "image/x-icon"],
  [".woff2", "font/woff2"],
]);
/** Vite puts there what has a hash of its content in its name. */
const HASHED = /^\/assets\//;
const INDEX = "/index.html";

/** The libraries of the page put styles into it while it runs; scripts only come from here, and data too. */
const SECURITY_HEADERS = new Map([
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
      "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
]);

/** Resolves with the files of the folder by their path in URLs, the start page as `/`; none where there is no folder. */
export async function readWebPage(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  });
  const files = new Map<string, PageFile>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const path = `/${relative(folder, file).split(sep).join("/")}`;
    const body = await readFile(file);
    files.set(path === INDEX ? "/" : path, {
      type: TYPES.get(extname(path)) ?? "application/octet-stream",
      cacheControl: HASHED.test(path) ? "public, max-age=31536000, immutable" : "no-cache",
      etag: `"${createHash("sha256").update(body).digest("base64url")}"`,
      body,
    });
  }
  return files;
}

/** One route for each file. */
export function addWebPage(server: FastifyInstance, files: ReadonlyMap<string, PageFile>): void {
  for (const [path, { body, cacheControl, etag, type }] of files) {
    server.get(path, ({ headers }, reply) => {
      reply.raw.setHeaders(SECURITY_HEADERS);
      void reply.headers({ "cache-control": cacheControl, etag });
      const known = headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
      return known?.includes(etag) === true ? reply.code(304).send() : reply.type(type).send(body);
    });
  }
}
