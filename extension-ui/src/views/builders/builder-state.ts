/** How a builder does, in words and in order of how bad it is. */
import type { BuilderReport } from "../../api/openapi.js";

export const BUILDER_LOOKS = ["up", "draining", "unknown", "refused", "down"] as const;
export type BuilderLook = (typeof BUILDER_LOOKS)[number];

type Standing = Pick<BuilderReport, "state" | "isDraining">;

/** One that is down and drains is down: what is broken comes first. */
export const lookOf = ({ isDraining, state }: Standing): BuilderLook =>
  state === "up" && isDraining ? "draining" : state;

export const LOOK_NAMES: Readonly<Record<BuilderLook, string>> = {
  up: "Up",
  draining: "Draining",
  unknown: "Not known yet",
  refused: "Refused",
  down: "Down",
};

const isBroken = ({ state }: Standing): boolean => state === "down" || state === "refused";

/** What has to be done about the farm as a whole; undefined where nothing. */
export function alarmOf(builders: readonly (Standing & Pick<BuilderReport, "name" | "cause">)[]): string | undefined {
  const [first] = builders;
  if (first === undefined) return "There is no builder: builds wait until one is added.";
  if (builders.length === 1 && isBroken(first)) {
    return `The only builder is ${first.state}, and builds wait: ${first.cause ?? "the cause is not known"}`;
  }
  if (builders.every(isBroken)) return "No builder is up: builds wait until one is.";
  return builders.every((builder) => isBroken(builder) || builder.isDraining)
    ? "No builder takes builds: those that are up are draining."
    : undefined;
}
