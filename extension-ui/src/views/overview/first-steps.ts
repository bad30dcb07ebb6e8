/** How far somebody who has just installed MemoBuild has come. */
import type { BuildSummary } from "../../api/openapi.js";

export interface FirstSteps {
  readonly hasBuilder: boolean;
  readonly hasBuilt: boolean;
  readonly hasShared: boolean;
}

/** With so many builds, one is no beginner any more, whatever they shared. */
export const FIRST_BUILDS = 5;

/** A builder that was made is only seen when it is used: by a call, or at the latest by a build. */
export const firstStepsOf = (builds: readonly BuildSummary[], hadClient: boolean): FirstSteps => ({
  hasBuilder: hadClient || builds.length > 0,
  hasBuilt: builds.some(({ outcome }) => outcome === "succeeded"),
  hasShared: builds.some(({ counts, outcome }) => outcome !== "running" && counts.cachedShared > 0),
});

/** @param builds the latest `FIRST_BUILDS`. */
export const isFirstUse = (builds: readonly BuildSummary[]): boolean =>
  builds.length < FIRST_BUILDS && !firstStepsOf(builds, false).hasShared;
