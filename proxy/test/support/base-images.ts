/** Stand-ins for the images that MemoBuild's own is made from, of what this machine has: nothing is pulled. */
import { copyFile, cp, mkdir, realpath, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BUSYBOX, run, runOk } from "./command.js";
import type { Buildx } from "./buildx.js";
import { writeFiles } from "./temp-dir.js";

const APPLETS = ["sh", "cat", "chmod", "dirname", "echo", "env", "id", "ln", "ls", "mkdir", "nc", "readlink", "wget"];
const AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt";
/** What the last stage copies by name. */
const NODE_LIBRARIES = ["libstdc++.so.6", "libgcc_s.so.1"];
/** Loaded by parts of vite, beside what node itself needs. */
const MORE_LIBRARIES = ["librt.so.1"];
export const FOREIGN_NODE = "stands for node on another platform\n";

async function which(program: string): Promise<string> {
  return realpath((await runOk("sh", ["-c", `command -v ${program}`])).trim());
}

/** Its libraries, and with them those that lie beside. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const { stdout } = await run("ldd", [program]);
  const found = [...stdout.toString().matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
  const beside = found.filter((path) => path.includes("libc.so")).map(dirname);
  return [...found, ...beside.flatMap((dir) => MORE_LIBRARIES.map((name) => join(dir, name)))];
}

async function place(root: string, from: string, to: string = from): Promise<void> {
  await mkdir(dirname(join(root, to)), { recursive: true });
  await copyFile(from, join(root, to));
}

async function placeShell(root: string): Promise<void> {
  await place(root, BUSYBOX, "bin/busybox");
  for (const applet of APPLETS) await symlink("busybox", join(root, "bin", applet));
  // Scripts of npm packages name it there.
  await mkdir(join(root, "usr/bin"), { recursive: true });
  await symlink("/bin/env", join(root, "usr/bin/env"));
  for (const folder of ["root", "tmp"]) await mkdir(join(root, folder));
  await place(root, AUTHORITIES);
  await writeFiles(root, { "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n" });
}

async function placeNode(root: string): Promise<void> {
  await placeShell(root);
  await place(root, process.execPath, "usr/local/bin/node");
  for (const library of await librariesOf(process.execPath)) {
    await place(root, library);
    const name = NODE_LIBRARIES.find((known) => library.endsWith(known));
    if (name !== undefined) await place(root, library, join("usr/lib", name));
  }
  const npm = dirname(dirname(await which("npm")));
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
}

async function placeBuildkit(root: string): Promise<void> {
  await placeShell(root);
  for (const program of ["buildkitd", "buildctl"]) await place(root, await which(program), `usr/bin/${program}`);
  const runc = await which("runc");
  await place(root, runc, "usr/bin/buildkit-runc");
  const libraries = await Promise.all([runc, process.execPath].map(librariesOf));
  // What node needs besides comes from the image of node.
  const own = libraries.flat().filter((path) => !NODE_LIBRARIES.some((name) => path.endsWith(name)));
  for (const library of own) await place(root, library);
}

/** Nothing of it is ever run: all that the image for its platform needs is that the files are there. */
async function placeForeign(nodeRoot: string, buildkitRoot: string): Promise<void> {
  await writeFiles(nodeRoot, {
    "usr/local/bin/node": FOREIGN_NODE,
    ...Object.fromEntries(NODE_LIBRARIES.map((name) => [`usr/lib/${name}`, ""])),
  });
  await writeFiles(buildkitRoot, { "etc/passwd": "root:x:0:0::/:/bin/sh\n", "etc/group": "root:x:0:\n" });
}

/** As an OCI layout. What npm needs to be told here comes as environment, which the last stage does not take over. */
async function layout(buildx: Buildx, root: string, dest: string, environment: string): Promise<void> {
  await writeFiles(root, {
    Dockerfile: `FROM scratch\nARG TARGETARCH\nCOPY $TARGETARCH/ /\nENV PATH=/usr/local/bin:/usr/bin:/bin ${environment}\n`,
  });
  const output = `type=oci,tar=false,compression=uncompressed,dest=${dest}`;
  const args = ["build", "--platform", "linux/amd64,linux/arm64", "--output", output, root];
  const { code, stderr } = await buildx.run(args, { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`the base image is not built:\n${stderr}`);
}

/**
 * @param dir an empty directory for their files.
 * @returns arguments of `buildx build` that give them the names that the Dockerfile has for the real ones.
 */
export async function makeBaseImages(buildx: Buildx, dir: string): Promise<readonly string[]> {
  const node = join(dir, "node");
  const buildkit = join(dir, "buildkit");
  await placeNode(join(node, "amd64"));
  await placeBuildkit(join(buildkit, "amd64"));
  await placeForeign(join(node, "arm64"), join(buildkit, "arm64"));
  const registry = (await runOk("npm", ["config", "get", "registry"])).trim();
  const npm = `NODE_EXTRA_CA_CERTS=${AUTHORITIES} npm_config_cafile=${AUTHORITIES} npm_config_registry=${registry}`;
  await layout(buildx, node, join(dir, "node.oci"), npm);
  await layout(buildx, buildkit, join(dir, "buildkit.oci"), "HOME=/root");
  return [
    ...["--build-context", `node:22-alpine3.23=oci-layout://${join(dir, "node.oci")}`],
    ...["--build-context", `moby/buildkit:v0.32.2=oci-layout://${join(dir, "buildkit.oci")}`],
  ];
}
