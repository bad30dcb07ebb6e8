/** What is said of builds on a terminal. */
import type { BuildSummary } from "../builds/build-record.js";
import { formatElapsed } from "../builds/format-elapsed.js";
import type { BuildIdentity } from "../cache/cache-index.js";
import { printable } from "./table.js";

/** Of the 25 characters of a ref, enough that no two builds share them. */
const REF_CHARS = 12;

/** What stands for a build where none is named: the latest. */
export const LATEST_BUILD = "^1";
export const BUILD_NAME_HELP = "a ref, the beginning of one, or ^n: the n-th latest build";

export const shortRef = (ref: string): string => printable(ref.slice(0, REF_CHARS));

/** As in "prod linux/arm64"; "" where a build has neither. */
export const targetText = ({ target, platform }: BuildIdentity): string =>
  [target, platform]
    .filter((part) => part !== "")
    .map(printable)
    .join(" ");

/** As in "github.com/acme/shop prod linux/arm64". */
export function identityText(identity: BuildIdentity): string {
  const project = identity.project === "" ? "a build" : printable(identity.project);
  return [project, targetText(identity)].filter((part) => part !== "").join(" ");
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** As in "8/10": steps from a cache of those that may be. */
export const stepsText = ({ counts: { cached, cacheable } }: BuildSummary): string => `${cached}/${cacheable}`;

export const durationText = ({ startedAtMs, endedAtMs }: BuildSummary, nowMs: number): string =>
  formatElapsed((endedAtMs ?? nowMs) - startedAtMs);

/** As in "succeeded in 1m 4s, 1/3 steps from a cache". */
export function endingText(build: BuildSummary, nowMs: number): string {
  const saved = build.savedMs === 0 ? "" : `, ${formatElapsed(build.savedMs)} saved`;
  return `${build.outcome} in ${durationText(build, nowMs)}, ${stepsText(build)} steps from a cache${saved}`;
}

export const missText = ({ firstMiss }: BuildSummary): string =>
  firstMiss === undefined ? "" : `first miss: ${printable(firstMiss.step)}: ${printable(firstMiss.text)}`;
