/**
 * The token without which the API on a port answers nobody. What builds run shares the network of a builder on this
 * machine, and so do all its users: they reach the port, but cannot read the file.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { StartError } from "../config/start-error.js";

const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;
const COOKIE_MAX_AGE_S = 365 * 24 * 3600;
const DEFAULT_PORT = "80";

export const pageTokenFile = (dataDir: string): string => join(dataDir, "page-token");

/** Made at the first start, and the same from then on. @throws StartError */
export async function keepPageToken(dataDir: string): Promise<string> {
  const file = pageTokenFile(dataDir);
  try {
    const kept = await readFile(file, "utf8").catch(() => ""); // not there yet, or not readable: then writing fails too
    if (TOKEN.test(kept.trim())) return kept.trim();
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return token;
  } catch (error) {
    throw new StartError("data-dir", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const isSame = (given: string, token: string): boolean =>
  given.length === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token));

/** Browsers keep cookies by host alone: another port is another MemoBuild. */
const cookieName = ({ host = "" }: IncomingHttpHeaders): string =>
  `memobuild-${/:(\d{1,5})$/.exec(host)?.[1] ?? DEFAULT_PORT}`;

/** By the cookie of a browser, or as `Authorization: Bearer`. */
export function hasToken(headers: IncomingHttpHeaders, token: string): boolean {
  const bearer = /^Bearer ([\w-]+)$/i.exec(headers.authorization ?? "")?.[1];
  if (bearer !== undefined) return isSame(bearer, token);
  const name = `${cookieName(headers)}=`;
  const cookies = (headers.cookie ?? "").split(";").map((cookie) => cookie.trim());
  return cookies.some((cookie) => cookie.startsWith(name) && isSame(cookie.slice(name.length), token));
}

/** For the browser that opened the page with the token in its address; undefined where that is another one. */
export function cookieFor(url: string, headers: IncomingHttpHeaders, token: string): string | undefined {
  const given = new URLSearchParams(url.split("?", 2)[1]).get("token");
  if (given === null || !isSame(given, token)) return undefined;
  return `${cookieName(headers)}=${token}; Path=/; Max-Age=${COOKIE_MAX_AGE_S}; HttpOnly; SameSite=Strict`;
}
