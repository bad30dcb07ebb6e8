/** Looks a program up as a shell does, in the folders where a user's PATH may end and where system programs lie. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";

/** Where runc lives; a user's PATH may lack it. */
const SYSTEM_PATH = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

export const withSystemPath = (folders: readonly string[]): readonly string[] => [
  ...new Set([...folders, ...SYSTEM_PATH]),
];

/** @param program a path, or a name to look up in `folders`, in order. @returns a path; undefined: there is none. */
export async function findProgram(program: string, folders: readonly string[]): Promise<string | undefined> {
  const candidates = program.includes("/") ? [program] : folders.map((folder) => join(folder, program));
  for (const path of candidates) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
