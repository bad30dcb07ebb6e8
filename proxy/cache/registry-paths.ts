/** The registry's paths: what a request asks for, by the OCI distribution specification. Pure. */
import { parseDigest, type Digest } from "./digest.js";

/** 128 random bits, in hexadecimal digits. */
export const TOKEN_BYTES = 16;

/** What comes after the token; a repository's last name is always this one. */
const NAME = "cache";
const PATH = new RegExp(`^/v2/([0-9a-f]{${TOKEN_BYTES * 2}})/${NAME}/(manifests|blobs)/(.*)$`, "s");
const PROBE_PATH = new RegExp(`^/probe/([0-9a-f]{${TOKEN_BYTES * 2}})$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const UPLOAD_ID = /^uploads\/([0-9a-f]{32})$/;

export type Target =
  | { readonly kind: "manifest"; readonly reference: Digest | string }
  | { readonly kind: "blob"; readonly digest: Digest }
  | { readonly kind: "uploads" }
  | { readonly kind: "upload"; readonly id: string }
  | { readonly kind: "http-probe" };

export interface RegistryPath {
  readonly token: string;
  readonly target: Target;
  readonly query: URLSearchParams;
}

export const repositoryOf = (token: string): string => `${token}/${NAME}`;

export const probePathOf = (token: string): string => `/probe/${token}`;

/** Undefined where the path is none of ours. */
export function parseRegistryPath(url: string): RegistryPath | undefined {
  const queryAt = url.indexOf("?");
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? "" : url.slice(queryAt));
  const probed = PROBE_PATH.exec(path)?.[1];
  if (probed !== undefined) return { token: probed, target: { kind: "http-probe" }, query };
  const [, token, kind, rest] = PATH.exec(path) ?? [];
  if (token === undefined || rest === undefined) return undefined;
  const target = kind === "manifests" ? parseReference(rest) : parseBlobPath(rest);
  return target === undefined ? undefined : { token, target, query };
}

function parseReference(text: string): Target | undefined {
  const reference = parseDigest(text) ?? (TAG.test(text) ? text : undefined);
  return reference === undefined ? undefined : { kind: "manifest", reference };
}

function parseBlobPath(rest: string): Target | undefined {
  if (rest === "uploads/" || rest === "uploads") return { kind: "uploads" };
  const id = UPLOAD_ID.exec(rest)?.[1];
  if (id !== undefined) return { kind: "upload", id };
  const digest = parseDigest(rest);
  return digest === undefined ? undefined : { kind: "blob", digest };
}

/** One range of `bytes=`, of a blob of this size. "unsatisfiable" is an answer of its own; other forms are ignored. */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { readonly first: number; readonly last: number } | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, sizeBytes - Number(to)) : Number(from);
  const last = from === "" || to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (from !== "" && to !== "" && Number(to) < first) return undefined;
  return first >= sizeBytes || last < first ? "unsatisfiable" : { first, last };
}
