/** Sources of a build: images, folders of the client, git repositories and files of the web. */
import type { LlbSource } from "../buildkit/llb-op.js";
import type { StepKind } from "./build-record.js";

const LOCAL = "local://";
const IMAGES = ["docker-image://", "oci-layout://"];
const DIGEST = /@(sha256:[0-9a-f]{64})$/;
const COMMIT = /#(?:[0-9a-f]{40}|[0-9a-f]{64})(?::|$)/;
/** Anew for each build, or of no matter for what the source gives. */
const IGNORED_ATTRS = new Set([
  ...["oci.session", "oci.store", "image.resolvemode", "image.recordtype", "http.authheadersecret"],
  ...["git.authheadersecret", "git.authtokensecret", "git.knownsshhosts", "git.mountsshsock", "git.fullurl"],
]);

/** "context" and the like; undefined where it is no folder of the client. */
export function localName({ identifier }: LlbSource): string | undefined {
  return identifier.startsWith(LOCAL) ? identifier.slice(LOCAL.length) : undefined;
}

export function kindOfSource({ identifier }: LlbSource): StepKind {
  if (identifier.startsWith(LOCAL)) return "local";
  if (IMAGES.some((scheme) => identifier.startsWith(scheme))) return "image";
  if (identifier.startsWith("git://")) return "git";
  return /^https?:\/\//.test(identifier) ? "http" : "other";
}

export interface DescribedSource {
  readonly parts: readonly (readonly [name: string, value: string])[];
  readonly shown: Readonly<Record<string, string>>;
}

/** @param masked leaves values of build arguments out of texts that are shown. */
export function describeSource(source: LlbSource, masked: (text: string) => string): DescribedSource {
  const { identifier } = source;
  const attrs = stableAttrs(source);
  const settings: (readonly [string, string])[] = attrs === "" ? [] : [["settings", attrs]];
  const kind = kindOfSource(source);
  if (kind === "image") {
    const image = identifier.replace(/^[a-z-]+:\/\//, "");
    const digest = DIGEST.exec(image)?.[1] ?? "";
    const name = image.replace(DIGEST, "");
    return { parts: [["image", name], ["digest", digest], ...settings], shown: { image: masked(name), digest } };
  }
  if (kind === "git" || kind === "http")
    return { parts: [["url", identifier], ...settings], shown: { url: masked(bareUrl(identifier)) } };
  if (kind === "local") return { parts: [["folder", identifier]], shown: { context: localName(source) ?? "" } };
  return { parts: [["source", identifier], ...settings], shown: {} };
}

/** What tells what the source gives; undefined where another build may get something else from the same words. */
export function sourceIdentity(source: LlbSource): string | undefined {
  const { identifier, attrs } = source;
  const kind = kindOfSource(source);
  const isPinned =
    (kind === "image" && DIGEST.test(identifier)) ||
    (kind === "git" && (COMMIT.test(identifier) || (attrs["git.checksum"] ?? "") !== "")) ||
    (kind === "http" && (attrs["http.checksum"] ?? "") !== "");
  return isPinned ? `${identifier}\n${stableAttrs(source)}` : undefined;
}

function stableAttrs({ attrs }: LlbSource): string {
  const names = Object.keys(attrs).filter((name) => !IGNORED_ATTRS.has(name));
  return names.sort().reduce((text, name) => `${text}${name}=${attrs[name] ?? ""}\n`, "");
}

/** Without what may be a secret: user, password and query. */
function bareUrl(identifier: string): string {
  return identifier.replace(/^([a-z+]+:\/\/)[^/@]*@/, "$1").replace(/\?[^#]*/, "");
}
