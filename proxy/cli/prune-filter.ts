/** `--filter` of `memobuild cache prune`, in the words of `docker buildx prune`. */
import { InvalidArgumentError } from "commander";
import { parseDurationMs } from "../config/duration.js";

export interface PruneFilter {
  readonly unusedForMs?: number;
  readonly project?: string;
}

const KNOWN = "until=<duration>, as in until=24h, and project=<text>";

function filterOf(key: string, value: string): PruneFilter {
  if (key === "project" && value !== "") return { project: value };
  if (key !== "until" && key !== "unused-for") throw new InvalidArgumentError(`The filters are ${KNOWN}.`);
  const unusedForMs = parseDurationMs(value);
  if (unusedForMs === undefined) throw new InvalidArgumentError(`"${value}" is not a duration, as in 90m, 24h or 30d.`);
  return { unusedForMs };
}

/** Adds one `--filter` to those before it. @throws InvalidArgumentError */
export function addPruneFilter(text: string, before: PruneFilter = {}): PruneFilter {
  const [key = ""] = text.split("=", 1);
  const filter = filterOf(key, text.slice(key.length + 1));
  for (const name of ["unusedForMs", "project"] as const) {
    if (filter[name] !== undefined && before[name] !== undefined) {
      throw new InvalidArgumentError("It takes one value of each kind.");
    }
  }
  return { ...before, ...filter };
}
