/** Why exports were removed from the cache, in words. */
import type { CacheUsage, Removals } from "../../api/openapi.js";
import { formatBytes, formatDuration } from "../../parts/format.js";

export type Removal = Removals["removals"][number];
export type Rule = Removal["rule"];

export const RULES: readonly Rule[] = ["age", "size", "free_space", "prune"];

export const RULE_NAMES: Readonly<Record<Rule, string>> = {
  age: "Age",
  size: "Size",
  free_space: "Free space",
  prune: "Pruned by hand",
};

export interface Limits extends Pick<CacheUsage, "softMaxBytes" | "minFreeBytes"> {
  /** Of `--cache-max-age`, such as "30d"; undefined where it is not known. */
  readonly maxAge?: string | undefined;
}

/** With the limits as they are now, which may have been others then. */
export function reasonOf(
  { atMs, lastUsedAtMs, rule }: Removal,
  { maxAge, minFreeBytes, softMaxBytes }: Limits,
): string {
  const unused = `not used for ${formatDuration(Math.max(0, atMs - lastUsedAtMs))}`;
  switch (rule) {
    case "age":
      return `${unused}; the limit is ${maxAge ?? "--cache-max-age"}`;
    case "size":
      return `the cache was larger than ${formatBytes(softMaxBytes)}; ${unused}`;
    case "free_space":
      return `less than ${formatBytes(minFreeBytes)} of the disk were free; ${unused}`;
    case "prune":
      return `somebody pruned the cache; ${unused}`;
  }
}

export interface RuleTotal {
  readonly rule: Rule;
  readonly exports: number;
  readonly sizeBytes: number;
}

/** In the order of `RULES`, without rules that removed nothing. */
export function totalsByRule(removals: readonly Removal[]): readonly RuleTotal[] {
  return RULES.map((rule) => {
    const removed = removals.filter((removal) => removal.rule === rule);
    return { rule, exports: removed.length, sizeBytes: removed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }).filter(({ exports }) => exports > 0);
}
