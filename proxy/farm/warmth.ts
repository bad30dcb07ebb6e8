/** Which builder built which project lately, and so has its steps and contexts: what a build would find there. */
import { LRUCache } from "lru-cache";
import type { WarmProject } from "./builder-desk.js";
import { projectKey } from "./fair-order.js";

/** What a builder keeps is pruned in time: after a day, it counts half. */
export const WARMTH_HALF_LIFE_MS: number = 24 * 60 * 60 * 1000;
/** Of another Dockerfile or target of the project: base images and contexts are often the same. */
export const OTHER_SCOPE_SHARE = 0.25;
/** What a build counts at least, and one that has only begun: less than any that did work. */
const LEAST_WORTH_MS = 1;

const PROJECTS_MAX = 100_000;
/** Of a project, on all builders and of all scopes; the latest are kept. */
const TRACES_PER_PROJECT_MAX = 16;

export interface WarmthKey {
  readonly tenant: string;
  readonly project: string;
  /** Dockerfile and target. */
  readonly scope: string;
}

export interface BuiltProject extends WarmthKey {
  readonly address: string;
  /** Id of its worker, where it is known. */
  readonly worker?: string | undefined;
  /** Milliseconds of work that its steps stand for: what they would cost elsewhere. */
  readonly workMs: number;
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
}

/** A builder for as long as it keeps its state; what it built in an earlier life is lost. */
interface Life {
  readonly address: string;
  worker: string | undefined;
}

/** What builds of one scope left on a builder. */
interface Trace {
  readonly life: Life;
  readonly scope: string;
  worthMs: number;
  atMs: number;
  builds: number;
}

interface Project {
  readonly name: string;
  traces: Trace[];
}

/** Times are milliseconds since 1970. */
export class Warmth {
  readonly #projects = new LRUCache<string, Project>({ max: PROJECTS_MAX });
  readonly #lives = new Map<string, Life>();

  /** A build goes there: the next of its project may follow before it has ended. */
  placed(key: WarmthKey, address: string, nowMs: number): void {
    this.#trace(key, this.#lifeOf(address), nowMs);
  }

  /** A build has ended there. Of builds before a restart of MemoBuild, the latest are told first. */
  built({ address, worker, workMs, endedAtMs, ...key }: BuiltProject): void {
    const life = this.#lifeOf(address);
    if (worker !== undefined) life.worker ??= worker;
    if (worker !== life.worker && worker !== undefined) return;
    const trace = this.#trace(key, life, endedAtMs);
    // A build that finds its steps does no work, and they are worth what they were.
    trace.worthMs = Math.max(trace.worthMs, workMs);
    trace.atMs = Math.max(trace.atMs, endedAtMs);
    trace.builds++;
  }

  /** By address, in milliseconds of work that a build would find done there; only those that have something. */
  of({ scope, ...key }: WarmthKey, nowMs: number): ReadonlyMap<string, number> {
    const same = new Map<string, number>();
    const other = new Map<string, number>();
    for (const trace of this.#projects.get(projectKey(key))?.traces ?? []) {
      if (!this.#isAlive(trace)) continue;
      const scores = trace.scope === scope ? same : other;
      const { address } = trace.life;
      scores.set(address, Math.max(scores.get(address) ?? 0, worthNow(trace, nowMs)));
    }
    for (const [address, score] of other) same.set(address, (same.get(address) ?? 0) + score * OTHER_SCOPE_SHARE);
    return same;
  }

  /** The builder is gone, or has lost its state. */
  forget(address: string): void {
    this.#lives.delete(address);
  }

  /** The builder is up; with another worker than before, it begins with nothing. */
  workerIs(address: string, worker: string): void {
    if (worker === "") return;
    const life = this.#lifeOf(address);
    life.worker ??= worker;
    if (life.worker !== worker) this.#lives.set(address, { address, worker });
  }

  /** Projects that were built there, latest first. Reads all that is known: for people, not for placement. */
  projectsOf(address: string, limit: number): WarmProject[] {
    const life = this.#lives.get(address);
    const found: WarmProject[] = [];
    for (const { name, traces } of this.#projects.values()) {
      const here = traces.filter((trace) => trace.life === life && trace.builds > 0);
      if (here.length === 0) continue;
      const lastBuiltAtMs = Math.max(...here.map(({ atMs }) => atMs));
      found.push({ project: name, lastBuiltAtMs, builds: here.reduce((sum, { builds }) => sum + builds, 0) });
    }
    return found.sort((a, b) => b.lastBuiltAtMs - a.lastBuiltAtMs).slice(0, limit);
  }

  #lifeOf(address: string): Life {
    const known = this.#lives.get(address);
    if (known !== undefined) return known;
    const life = { address, worker: undefined };
    this.#lives.set(address, life);
    return life;
  }

  #isAlive({ life }: Trace): boolean {
    return this.#lives.get(life.address) === life;
  }

  /** That of the scope on the builder, made where there is none. */
  #trace({ scope, ...key }: WarmthKey, life: Life, nowMs: number): Trace {
    const project = this.#projects.get(projectKey(key)) ?? { name: key.project, traces: [] };
    const known = project.traces.find((trace) => trace.life === life && trace.scope === scope);
    if (known !== undefined) return known;
    const trace = { life, scope, worthMs: LEAST_WORTH_MS, atMs: nowMs, builds: 0 };
    const others = project.traces.filter((other) => this.#isAlive(other)).sort((a, b) => b.atMs - a.atMs);
    project.traces = [trace, ...others.slice(0, TRACES_PER_PROJECT_MAX - 1)];
    this.#projects.set(projectKey(key), project);
    return trace;
  }
}

/** A clock that was set back makes nothing younger than new. */
function worthNow({ worthMs, atMs }: Trace, nowMs: number): number {
  return worthMs * 2 ** (-Math.max(0, nowMs - atMs) / WARMTH_HALF_LIFE_MS);
}
