/** Fresh directories for tests, below the directory of this run. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Makes an empty directory; the caller removes it. Short names, since unix sockets lie in it. */
export async function makeTempDir(name: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `${name}-`));
}

export async function removeDir(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}

/** Writes files, given by their paths relative to `dir`; folders are made. */
export async function writeFiles(dir: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
}
