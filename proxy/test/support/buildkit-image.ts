/** An image like moby/buildkit, made of the programs of this machine: nothing is pulled. */
import { once } from "node:events";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import Docker from "dockerode";
import { BUSYBOX, keepOpen, runOk, start } from "./command.js";

const APPLETS = ["sh", "cat", "ip", "ls", "wget"];
const CHANGES = ['ENTRYPOINT ["buildkitd"]', "ENV PATH=/usr/bin:/bin:/usr/sbin:/sbin"];

async function which(program: string): Promise<string> {
  return (await runOk("sh", ["-c", `command -v ${program}`])).trim();
}

/** Debian's runc is linked with libraries: they come along, where it looks for them. */
async function librariesOf(program: string): Promise<readonly string[]> {
  const listed = await runOk("ldd", [program]);
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

/** @param dir an empty directory for its files. */
export async function loadBuildkitImage(socketPath: string, image: string, dir: string): Promise<void> {
  const place = async (from: string, to: string): Promise<void> => {
    await mkdir(dirname(join(dir, to)), { recursive: true });
    await copyFile(from, join(dir, to));
  };
  const runc = await which("runc");
  await place(await which("buildkitd"), "usr/bin/buildkitd");
  await place(runc, "usr/bin/runc");
  for (const library of await librariesOf(runc)) await place(library, library);
  await place(BUSYBOX, "bin/busybox");
  for (const applet of APPLETS) await symlink("busybox", join(dir, "bin", applet));
  for (const folder of ["tmp", "var/lib"]) await mkdir(join(dir, folder), { recursive: true });

  const tar = start("tar", ["-C", dir, "-c", "."], { input: keepOpen });
  const [repo, tag] = image.split(":");
  const answer = await new Docker({ socketPath }).importImage(tar.stdout, { repo, tag, changes: CHANGES });
  answer.resume();
  await Promise.race([finished(answer), once(answer, "error")]);
  await tar.exited;
}
