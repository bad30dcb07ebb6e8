/** Reads what `/metrics` shows. */
import type { MemoBuild } from "./memobuild.js";

/** `name{labels}` as it is printed → value. */
export type Series = ReadonlyMap<string, number>;

export async function readSeries(memoBuild: MemoBuild): Promise<Series> {
  const lines = (await memoBuild.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

/** How much each counter of this name has grown, by its only label; those that have not are left out. */
export function growth(before: Series, after: Series, name: string): Record<string, number> {
  const grown: Record<string, number> = {};
  for (const [key, value] of after) {
    const [, label] = new RegExp(`^${name}\\{\\w+="(.*)"\\}$`).exec(key) ?? [];
    const by = value - (before.get(key) ?? 0);
    if (label !== undefined && by !== 0) grown[label] = by;
  }
  return grown;
}
