/** Which builds share a cache: the project of a build, from what its client says about its source. */
import type { BuildIdentity } from "./cache-index.js";

export interface BuildSource {
  /** Options of the frontend: BuildKit's `FrontendAttrs` or `FrontendOpt`. */
  readonly options: Readonly<Record<string, string>>;
  /** Of the session: base name of the context's folder, ":", id of the client's machine; "" where there is none. */
  readonly sharedKey: string;
}

/** There is one tenant. */
export const DEFAULT_TENANT = "default";
/** Longer texts are cut off: they come from the client, and are stored and shown. */
const TEXT_MAX_CHARS = 512;

const text = (value: string | undefined): string => (value ?? "").slice(0, TEXT_MAX_CHARS);

export function identifyBuild({ options, sharedKey }: BuildSource): BuildIdentity {
  return {
    tenant: DEFAULT_TENANT,
    project: projectOf({ options, sharedKey }),
    dockerfile: text(options["filename"] ?? "Dockerfile"),
    target: text(options["target"]),
    platform: text(options["platform"]),
  };
}

/**
 * The repository and the folder in it; else the git or HTTP context; else the name of the context's folder. "" where
 * the client tells nothing. Credentials in addresses are left out.
 */
export function projectOf({ options, sharedKey }: BuildSource): string {
  const repository = normalizeRemote(text(options["vcs:source"]));
  if (repository !== "") {
    const folder = trimPath(text(options["vcs:localdir:context"])).replace(/^\.\/?/, "");
    return folder === "" ? repository : `${repository}//${folder}`;
  }
  const context = text(options["context"]);
  // A context from standard input has an address that names the session.
  if (isRemote(context) && !context.startsWith("http://buildkit-session/")) return normalizeRemote(context);
  return text(sharedKey).replace(/:[^:]*$/, "");
}

/** Without slashes around it. */
const trimPath = (path: string): string =>
  path
    .split("/")
    .filter((part) => part !== "")
    .join("/");

const isRemote = (context: string): boolean => /^(https?|git|ssh):\/\/|^[^/@]+@[^/:]+:/.test(context);

/** Equal for the ways to reach one repository: `git@host:team/app.git` and `https://host/team/app`. */
export function normalizeRemote(remote: string): string {
  const scp = /^(?:[^/@]+@)?([^/:@]+):(?!\/\/)(.+)$/.exec(remote);
  const [host, path, folder] = scp === null ? splitUrl(remote) : [scp[1] ?? "", scp[2] ?? "", undefined];
  const bare = trimPath(path).replace(/\.git$/, "");
  const repository = [host.toLowerCase(), bare].filter((part) => part !== "").join("/");
  return folder === undefined ? repository : `${repository}//${folder}`;
}

function splitUrl(remote: string): [host: string, path: string, folder: string | undefined] {
  let url: URL;
  try {
    url = new URL(remote);
  } catch {
    return ["", remote, undefined];
  }
  // Ports and user names differ between ways to the same repository; a query may be a secret; a fragment names a
  // branch and a folder.
  const folder = /^#[^:]*:(.+)$/.exec(url.hash)?.[1];
  const path = trimPath(url.pathname).replace(/\.git$/, "");
  return [url.hostname, path, folder];
}
