/** The version of this package. */
import { readFileSync } from "node:fs";
import { z } from "zod";

/** Read from package.json, which lies two folders up both from the sources and from what they are compiled to. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
