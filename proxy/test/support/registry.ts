/** Runs Debian's docker-registry on loopback, with a password. */
import { join } from "node:path";
import { start } from "./command.js";
import { freePort } from "./free-port.js";
import { MARKERS } from "../system/markers.js";
import { poll } from "./poll.js";
import { writeFiles } from "./temp-dir.js";

export interface Registry {
  /** `127.0.0.1:PORT`, as it stands in an image's name. */
  readonly host: string;
  /** A configuration for `DOCKER_CONFIG/config.json` that holds the password. */
  readonly dockerConfig: string;
  /** A manifest or blob, by its path below `/v2/`. */
  read(path: string): Promise<Buffer>;
  /** The digest that the registry gives for a tag. */
  digest(repository: string, tag: string): Promise<string | null>;
  stop(): Promise<void>;
}

const USER = "builder";
const PASSWORD: string = MARKERS.password;
/** bcrypt of the password, which the registry demands and openssl cannot make. */
const HASH = "$2b$04$lziVb.VrGEyYcUIpC6csWOrFIx88xBinuOM3R3bxbXCOxxytCTXDS";

const MANIFESTS = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"];

/** Resolves once the registry answers. Its state lies in `dir`, which must exist. */
export async function startRegistry(dir: string): Promise<Registry> {
  const host = `127.0.0.1:${await freePort()}`;
  const authorization = Buffer.from(`${USER}:${PASSWORD}`).toString("base64");
  const htpasswd = `auth: {htpasswd: {realm: test, path: ${join(dir, "htpasswd")}}}`;
  const storage = `storage: {filesystem: {rootdirectory: ${join(dir, "registry")}}}`;
  await writeFiles(dir, {
    htpasswd: `${USER}:${HASH}\n`,
    "registry.yml": `version: 0.1\n${storage}\nhttp: {addr: "${host}"}\n${htpasswd}\n`,
  });
  const server = start("docker-registry", ["serve", join(dir, "registry.yml")]);
  const get = (path: string): Promise<Response> =>
    fetch(`http://${host}/v2/${path}`, {
      headers: { authorization: `Basic ${authorization}`, accept: MANIFESTS.join(",") },
    });
  await poll(
    () =>
      get("")
        .then(({ ok }) => ok)
        .catch(() => false),
    Boolean,
    { what: "the registry answers" },
  );
  return {
    host,
    dockerConfig: JSON.stringify({ auths: { [host]: { auth: authorization } } }),
    read: async (path) => {
      const response = await get(path);
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      return Buffer.from(await response.arrayBuffer());
    },
    digest: async (repository, tag) =>
      (await get(`${repository}/manifests/${tag}`)).headers.get("docker-content-digest"),
    stop: async () => {
      await server.stop();
    },
  };
}
