/** Which builder takes a build: the warmest for its project within a bound of load, otherwise one by hash. Pure. */
import type { PlacementReason } from "./placing.js";
import { hashText, rendezvousWeight } from "./rendezvous.js";

/** So many clients are no load yet: a farm that has little to do leaves its projects where they are warm. */
export const LOAD_FLOOR = 8;
/** Of the average load: what one builder may have more than others before a project overflows to another. */
export const LOAD_FACTOR = 1.25;

/**
 * What ranks a builder for a build; more of the first outweighs the rest. Those that were not checked yet stand in where
 * none is known to be up, and those that lack the platform where nobody has it: a daemon alone would take the build too.
 */
const UP = 4;
const SUITED = 2;
const NATIVE = 1;

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
  const ranks = ranked(question, candidates);
  const rank = ranks.findLastIndex(({ length }) => length > 0);
  const best = ranks[rank];
  if (best === undefined) return { outcome: "none" };
  const roomy = best.filter(hasRoom);
  // Emulation is slow: better than to wait, and worse than a builder of the platform.
  const emulating = rank & NATIVE ? (ranks[rank - NATIVE] ?? []) : [];
  const pool = roomy.length > 0 ? roomy : emulating.filter(hasRoom);
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

/** Those that take the build, by rank: of a large farm, each is looked at once. */
function ranked(question: PlacementQuestion, candidates: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const asked = question.platforms;
  const isAlone = candidates.length === 1;
  // A build that asks for none gets the builder's own: that must not depend on where it goes.
  const usual = candidates.find(({ platforms }) => platforms.length > 0)?.platforms[0];
  const ranks = Array.from({ length: UP + SUITED + NATIVE + 1 }, (): Candidate[] => []);
  for (const candidate of candidates) {
    if (refusalOf(question, candidate, isAlone) !== undefined) continue;
    const { platforms, state } = candidate;
    const [own] = platforms;
    const isSuited =
      own === undefined ||
      (asked.length === 0 ? own === usual : asked.every((platform) => platforms.includes(platform)));
    const isNative = own !== undefined && asked.includes(own);
    ranks[(state === "up" ? UP : 0) + (isSuited ? SUITED : 0) + (isNative ? NATIVE : 0)]?.push(candidate);
  }
  return ranks;
}

/** @param first who would get it but for the load. */
function placeWithin(question: PlacementQuestion, first: Candidate, pool: readonly Candidate[]): Placement {
  const bound = loadBound(pool);
  if (hasRoom(first) && first.clients < bound) {
    return placed(first, (question.warmth.get(first.address) ?? 0) > 0 ? "warm" : "cold");
  }
  return placed(favourite(question, pool, bound), "overflow");
}

/**
 * The warmest; among those that are equally warm, the one with the highest weight.
 *
 * @param bound of clients: who has as many is left out. @throws TypeError when all are.
 */
function favourite({ key, warmth }: PlacementQuestion, candidates: readonly Candidate[], bound = Infinity): Candidate {
  const keyHash = hashText(key);
  let best: Scored | undefined;
  for (const candidate of candidates) {
    const { address } = candidate;
    const score = warmth.get(address) ?? 0;
    if ((best !== undefined && score < best.score) || candidate.clients >= bound) continue;
    const scored = { candidate, score, weight: rendezvousWeight(keyHash, hashText(address)) };
    if (best === undefined || isBefore(scored, best)) best = scored;
  }
  if (best === undefined) throw new TypeError("nobody to choose from");
  return best.candidate;
}

interface Scored {
  readonly candidate: Candidate;
  readonly score: number;
  readonly weight: number;
}

/** The address only decides between equal weights, so that the farm's order never does. */
function isBefore(a: Scored, b: Scored): boolean {
  if (a.score !== b.score) return a.score > b.score;
  return a.weight === b.weight ? a.candidate.address < b.candidate.address : a.weight > b.weight;
}

function hasRoom({ clients, maxClients }: Candidate): boolean {
  return maxClients === undefined || clients < maxClients;
}

function placed({ address }: Candidate, reason: PlacementReason): Placement {
  return { outcome: "placed", address, reason };
}
