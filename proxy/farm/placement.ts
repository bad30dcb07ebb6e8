/** Which builder takes a build: the warmest for its project within a bound of load, otherwise one by hash. Pure. */
import type { PlacementReason } from "./placing.js";
import { hashText, rendezvousWeight } from "./rendezvous.js";

/** So many clients are no load yet: a farm that has little to do leaves its projects where they are warm. */
export const LOAD_FLOOR = 8;
/** Of the average load: what one builder may have more than others before a project overflows to another. */
export const LOAD_FACTOR = 1.25;

/** A builder as placement sees it. */
export interface Candidate {
  readonly address: string;
  /** "unknown": not checked yet; "refused": it answers, and is not to be used. */
  readonly state: "up" | "unknown" | "down" | "refused";
  readonly isDraining: boolean;
  /** Its own first; empty where they are not known. */
  readonly platforms: readonly string[];
  /** Those that it has now. */
  readonly clients: number;
  /** Of `clients`; undefined for no limit. */
  readonly maxClients?: number | undefined;
}

export interface PlacementQuestion {
  /** Of the project: `projectKey`. */
  readonly key: string;
  /** Empty for what builds by default. */
  readonly platforms: readonly string[];
  /** Addresses of builders that failed for this build. */
  readonly exclude: ReadonlySet<string>;
  /** Address of the only builder that will do. */
  readonly stayOn?: string | undefined;
  /** By address, for this project: the higher, the warmer. */
  readonly warmth: ReadonlyMap<string, number>;
}

/** `full`: somebody would take it, and has no room now. `none`: nobody takes it; see `refusalOf`. */
export type Placement =
  | { readonly outcome: "placed"; readonly address: string; readonly reason: PlacementReason }
  | { readonly outcome: "full" }
  | { readonly outcome: "none" };

/** Why a builder does not take a build, with or without room. */
export type Refusal = "down" | "refused" | "draining" | "excluded";

/** @param candidates all of the farm, in its order. */
export function placeBuild(question: PlacementQuestion, candidates: readonly Candidate[]): Placement {
  if (question.stayOn !== undefined) return pinned(question, question.stayOn, candidates);
  const suited = suitedFor(question.platforms, usableFor(question, candidates), candidates);
  if (suited.length === 0) return { outcome: "none" };
  // Emulation is slow: better than to wait, and worse than a builder of the platform.
  const native = suited.filter((candidate) => question.platforms.includes(candidate.platforms[0] ?? ""));
  const best = native.length > 0 ? native : suited;
  const roomy = best.filter(hasRoom);
  const pool = roomy.length > 0 ? roomy : suited.filter(hasRoom);
  if (pool.length === 0) return { outcome: "full" };
  if (candidates.length === 1) return placed(favourite(question, pool), "only");
  return placeWithin(question, favourite(question, best), pool);
}

/** Why it does not take the build; undefined where it does as soon as it has room. */
export function refusalOf(
  { exclude, stayOn }: Pick<PlacementQuestion, "exclude" | "stayOn">,
  { address, isDraining, state }: Candidate,
  isAlone: boolean,
): Refusal | undefined {
  if (exclude.has(address)) return "excluded";
  if (state === "refused") return "refused";
  // It finishes what it has.
  if (isDraining && stayOn !== address) return "draining";
  // Of the only one, the connection tells the client what is wrong.
  return state === "down" && !isAlone ? "down" : undefined;
}

/** A builder takes a build while it has fewer clients than this. One of them always has: the least loaded. */
export function loadBound(candidates: readonly Candidate[]): number {
  const clients = candidates.reduce((sum, candidate) => sum + candidate.clients, 0);
  return Math.max(LOAD_FLOOR, Math.ceil((LOAD_FACTOR * (clients + 1)) / candidates.length));
}

function pinned(question: PlacementQuestion, address: string, candidates: readonly Candidate[]): Placement {
  const candidate = candidates.find((other) => other.address === address);
  if (candidate === undefined || refusalOf(question, candidate, candidates.length === 1) !== undefined) {
    return { outcome: "none" };
  }
  return hasRoom(candidate) ? placed(candidate, "pinned") : { outcome: "full" };
}

/** Those that were not checked yet stand in where none is known to be up. */
function usableFor(question: PlacementQuestion, candidates: readonly Candidate[]): readonly Candidate[] {
  const usable = candidates.filter(
    (candidate) => refusalOf(question, candidate, candidates.length === 1) === undefined,
  );
  const up = usable.filter(({ state }) => state === "up");
  return up.length > 0 ? up : usable;
}

/** Where nobody has the platform, all are suited: a daemon alone would take the build too. */
function suitedFor(
  asked: readonly string[],
  usable: readonly Candidate[],
  candidates: readonly Candidate[],
): readonly Candidate[] {
  // A build that asks for none gets the builder's own: that must not depend on where it goes.
  const usual = candidates.find(({ platforms }) => platforms.length > 0)?.platforms[0];
  const suited = usable.filter(
    ({ platforms }) =>
      platforms.length === 0 ||
      (asked.length === 0 ? platforms[0] === usual : asked.every((platform) => platforms.includes(platform))),
  );
  return suited.length > 0 ? suited : usable;
}

/** @param first who would get it but for the load. */
function placeWithin(question: PlacementQuestion, first: Candidate, pool: readonly Candidate[]): Placement {
  const bound = loadBound(pool);
  if (hasRoom(first) && first.clients < bound) {
    return placed(first, (question.warmth.get(first.address) ?? 0) > 0 ? "warm" : "cold");
  }
  const within = pool.filter(({ clients }) => clients < bound);
  return placed(favourite(question, within), "overflow");
}

/** The warmest; among those that are equally warm, the one with the highest weight. @throws TypeError for none. */
function favourite({ key, warmth }: PlacementQuestion, candidates: readonly Candidate[]): Candidate {
  const keyHash = hashText(key);
  const scoreOf = ({ address }: Candidate): number => warmth.get(address) ?? 0;
  const highest = candidates.reduce((score, candidate) => Math.max(score, scoreOf(candidate)), 0);
  const warmest = highest > 0 ? candidates.filter((candidate) => scoreOf(candidate) === highest) : candidates;
  const weightOf = ({ address }: Candidate): number => rendezvousWeight(keyHash, hashText(address));
  return warmest
    .map((candidate) => ({ candidate, weight: weightOf(candidate) }))
    .reduce((best, other) => (isBefore(other, best) ? other : best)).candidate;
}

interface Weighted {
  readonly candidate: Candidate;
  readonly weight: number;
}

/** The address only decides between equal weights, so that the farm's order never does. */
function isBefore(a: Weighted, b: Weighted): boolean {
  return a.weight === b.weight ? a.candidate.address < b.candidate.address : a.weight > b.weight;
}

function hasRoom({ clients, maxClients }: Candidate): boolean {
  return maxClients === undefined || clients < maxClients;
}

function placed({ address }: Candidate, reason: PlacementReason): Placement {
  return { outcome: "placed", address, reason };
}
