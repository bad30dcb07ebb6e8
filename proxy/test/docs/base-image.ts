/** An image with a shell, as an OCI layout: stands for the base image that the documentation builds on, as nothing is pulled. */
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { BUSYBOX, runOk } from "../support/command.js";
import { writeFiles } from "../support/temp-dir.js";

const APPLETS = ["sh", "cat", "cp", "echo", "ls", "mkdir", "sha256sum", "sleep", "touch", "wc"];
const ARCHITECTURE = process.arch === "x64" ? "amd64" : process.arch;

const digestOf = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function makeLayer(dir: string): Promise<Uint8Array> {
  const root = join(dir, "root");
  await mkdir(join(root, "bin"), { recursive: true });
  await mkdir(join(root, "tmp"));
  await copyFile(BUSYBOX, join(root, "bin/busybox"));
  for (const applet of APPLETS) await symlink("busybox", join(root, "bin", applet));
  await runOk("tar", ["-C", root, "-cf", join(dir, "layer.tar"), "."]);
  return readFile(join(dir, "layer.tar"));
}

/**
 * @param dir an empty directory for its files
 * @returns the address to give buildx for it
 */
export async function makeBaseImage(dir: string): Promise<string> {
  const layer = await makeLayer(dir);
  const diffIds = [`sha256:${digestOf(layer)}`];
  const config = JSON.stringify({
    ...{ os: "linux", architecture: ARCHITECTURE, config: { Env: ["PATH=/bin"] } },
    rootfs: { type: "layers", diff_ids: diffIds },
  });
  const describe = (kind: string, bytes: string | Uint8Array) => ({
    ...{ mediaType: `application/vnd.oci.image.${kind}`, digest: `sha256:${digestOf(bytes)}`, size: bytes.length },
  });
  const manifest = JSON.stringify({
    ...{ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json" },
    ...{ config: describe("config.v1+json", config), layers: [describe("layer.v1.tar", layer)] },
  });
  const tagged = {
    ...describe("manifest.v1+json", manifest),
    annotations: { "org.opencontainers.image.ref.name": "1" },
  };
  const blobs = [layer, config, manifest].map((bytes) => [`blobs/sha256/${digestOf(bytes)}`, bytes] as const);
  await writeFiles(join(dir, "layout"), {
    ...Object.fromEntries(blobs),
    "oci-layout": '{"imageLayoutVersion":"1.0.0"}',
    "index.json": JSON.stringify({ schemaVersion: 2, manifests: [tagged] }),
  });
  return `oci-layout://${join(dir, "layout")}:1`;
}
