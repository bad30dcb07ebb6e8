/** Says what is in a file or a directory, so that two can be compared. */
import { createHash } from "node:crypto";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";

export async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

async function describeEntry(path: string, kind: { isSymbolicLink(): boolean; isFile(): boolean }): Promise<string> {
  if (kind.isSymbolicLink()) return `-> ${await readlink(path)}`;
  const mode = (await stat(path)).mode.toString(8);
  return kind.isFile() ? `${mode} ${await sha256(path)}` : mode;
}

/** One line for each entry below `dir`, sorted: path, mode, and digest or link target. */
export async function listing(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path.slice(dir.length + 1)} ${await describeEntry(path, entry)}`;
  });
  return (await Promise.all(lines)).sort();
}
