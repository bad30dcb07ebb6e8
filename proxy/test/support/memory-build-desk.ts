/** A BuildDesk over a few builds in memory, which a test adds, changes and ends. */
import {
  type BuildDesk,
  type BuildEvent,
  BuildNameError,
  type Comparison,
  type EventPage,
  type Explanation,
} from "../../builds/build-desk.js";
import { formatCursor, parseCursor } from "../../builds/build-cursor.js";
import { BuildEvents } from "../../builds/build-events.js";
import type { BuildRecord, StepRecord } from "../../builds/build-record.js";
import type {
  BuildPage,
  BuildQuery,
  Figures,
  FiguresQuery,
  LogPage,
  LogPiece,
  LogQuery,
  ProjectFigures,
  Trend,
  TrendQuery,
} from "../../builds/history.js";
import { summaryOf } from "../../builds/summary-of.js";
import { trendOf, type TrendPart } from "../../builds/trend.js";

const sum = <T>(all: readonly T[], of: (each: T) => number): number => all.reduce((total, each) => total + of(each), 0);

export class MemoryBuildDesk implements BuildDesk {
  /** By ref. */
  readonly #builds = new Map<string, BuildRecord>();
  readonly #logs = new Map<string, LogPiece[]>();
  readonly #events = new BuildEvents();

  /** Adds the build, or what became of it, and tells who follows. */
  put(build: BuildRecord, type: BuildEvent["type"] = this.#builds.has(build.ref) ? "changed" : "started"): BuildRecord {
    this.#builds.set(build.ref, build);
    const running = build.steps.filter(({ result }) => result === "running");
    const named = running.map(({ name, startedAtMs = 0 }) => ({ name, startedAtMs }));
    this.#events.add({ type, build: summaryOf(build), running: named });
    return build;
  }

  log(ref: string, ...pieces: readonly LogPiece[]): void {
    this.#logs.set(ref, [...(this.#logs.get(ref) ?? []), ...pieces]);
  }

  resolve(name: string): Promise<string> {
    const nth = /^\^(\d+)$/.exec(name)?.[1];
    const refs = this.#latestFirst().map(({ ref }) => ref);
    const found =
      nth === undefined ? refs.filter((ref) => ref.startsWith(name)) : refs.slice(Number(nth) - 1).slice(0, 1);
    const [first, ...others] = refs.includes(name) ? [name] : found;
    if (first === undefined) return Promise.reject(new BuildNameError("unknown", `there is no build ${name}`));
    return others.length === 0
      ? Promise.resolve(first)
      : Promise.reject(new BuildNameError("ambiguous", `more than one build begins with ${name}: ${found.join(", ")}`));
  }

  list({ project = "", builder, outcome, group, sinceMs = 0, cursor, limit }: BuildQuery): Promise<BuildPage> {
    const first = cursor === undefined ? 0 : parseCursor(cursor).id;
    const matching = this.#latestFirst().filter(
      (build) =>
        build.project.includes(project) &&
        build.builder === (builder ?? build.builder) &&
        build.outcome === (outcome ?? build.outcome) &&
        build.group === (group ?? build.group) &&
        build.startedAtMs >= sinceMs,
    );
    const builds = matching.slice(first, first + limit).map(summaryOf);
    const isLast = first + limit >= matching.length;
    return Promise.resolve(
      isLast ? { builds } : { builds, cursor: formatCursor({ startedAtMs: 0, id: first + limit }) },
    );
  }

  build(ref: string): Promise<BuildRecord | undefined> {
    return Promise.resolve(this.#builds.get(ref));
  }

  logs(ref: string, { step, after, limit }: LogQuery): Promise<LogPage | undefined> {
    if (!this.#builds.has(ref)) return Promise.resolve(undefined);
    const all = (this.#logs.get(ref) ?? []).filter((piece) => piece.step === (step ?? piece.step));
    const pieces = all.slice(after, after + limit);
    return Promise.resolve({ pieces, next: after + pieces.length, hasMore: after + limit < all.length });
  }

  explain(ref: string): Promise<Explanation | undefined> {
    const build = this.#builds.get(ref);
    if (build === undefined) return Promise.resolve(undefined);
    const misses = build.steps.flatMap(({ name, lines, cause }, step) =>
      cause === undefined || cause.root !== undefined
        ? []
        : [{ step, name, file: lines?.file ?? "", line: lines?.first, cause }],
    );
    return Promise.resolve({ ref, baseline: build.baseline, isRunning: build.outcome === "running", misses });
  }

  compare(beforeRef: string, afterRef: string): Promise<Comparison | undefined> {
    const [before, after] = [this.#builds.get(beforeRef), this.#builds.get(afterRef)];
    if (before === undefined || after === undefined) return Promise.resolve(undefined);
    const named = ({ steps }: BuildRecord): Map<string, StepRecord> => new Map(steps.map((step) => [step.name, step]));
    const [earlier, later] = [named(before), named(after)];
    const steps = [...new Set([...earlier.keys(), ...later.keys()])].map((name) => {
      const [was, is] = [earlier.get(name), later.get(name)];
      const changes = was?.key === is?.key ? [] : ["the command changed"];
      return { name, before: was, after: is, changes };
    });
    return Promise.resolve({ before: summaryOf(before), after: summaryOf(after), steps });
  }

  remove(refs: readonly string[]): Promise<number> {
    const builds = refs.flatMap((ref) => this.#builds.get(ref) ?? []);
    const running = builds.find(({ outcome }) => outcome === "running");
    if (running !== undefined) {
      return Promise.reject(new BuildNameError("running", `build ${running.ref} still runs`));
    }
    for (const build of builds) {
      this.#builds.delete(build.ref);
      this.#logs.delete(build.ref);
      this.#events.add({ type: "removed", build: summaryOf(build), running: [] });
    }
    return Promise.resolve(builds.length);
  }

  figures({ sinceMs, project }: FiguresQuery): Promise<Figures> {
    const builds = this.#latestFirst().filter(
      (build) => build.startedAtMs >= sinceMs && build.project.includes(project ?? ""),
    );
    const having = (outcome: string): number => builds.filter((build) => build.outcome === outcome).length;
    const { cacheableSteps, cachedSteps, savedMs } = figuresOf("", builds);
    const names = [...new Set(builds.map((build) => build.project))];
    return Promise.resolve({
      sinceMs,
      builds: builds.length,
      succeeded: having("succeeded"),
      failed: having("failed"),
      canceled: having("canceled"),
      lost: having("lost"),
      running: having("running"),
      durationMs: sum(builds, ({ startedAtMs, endedAtMs = startedAtMs }) => endedAtMs - startedAtMs),
      cacheableSteps,
      cachedSteps,
      cachedBuilderSteps: sum(builds, ({ counts }) => counts.cachedBuilder),
      cachedSharedSteps: sum(builds, ({ counts }) => counts.cachedShared),
      ranSteps: sum(builds, ({ counts }) => counts.ran),
      hitRate: cacheableSteps === 0 ? undefined : cachedSteps / cacheableSteps,
      savedMs,
      contextBytes: sum(builds, ({ contextBytes }) => contextBytes),
      fetchedBytes: sum(builds, (build) => build.import.fetchedBytes),
      exportedBytes: sum(builds, (build) => build.export.bytes),
      slowestSteps: [],
      causes: [],
      projects: names.map((name) =>
        figuresOf(
          name,
          builds.filter((build) => build.project === name),
        ),
      ),
    });
  }

  trend(query: TrendQuery): Promise<Trend> {
    const { project = "", sinceMs } = query;
    const builds = this.#latestFirst().filter(
      (build) => build.startedAtMs >= sinceMs && build.project.includes(project),
    );
    return Promise.resolve(trendOf(query, builds.map(trendPartOf)));
  }

  events(cursor: string | undefined, limit: number): EventPage {
    return this.#events.after(cursor, limit);
  }

  onEvents(listener: () => void): () => void {
    return this.#events.onEvents(listener);
  }

  #latestFirst(): BuildRecord[] {
    return [...this.#builds.values()].sort((a, b) => b.startedAtMs - a.startedAtMs);
  }
}

const figuresOf = (project: string, builds: readonly BuildRecord[]): ProjectFigures => ({
  project,
  builds: builds.length,
  cacheableSteps: sum(builds, ({ counts }) => counts.cacheable),
  cachedSteps: sum(builds, ({ counts }) => counts.cached),
  savedMs: sum(builds, ({ savedMs }) => savedMs),
});

function trendPartOf({ counts, endedAtMs, export: exported, outcome, savedMs, startedAtMs }: BuildRecord): TrendPart {
  const hasEnded = outcome !== "running";
  return {
    ...{ startedAtMs, builds: 1, failed: outcome === "failed" ? 1 : 0, savedMs: hasEnded ? savedMs : 0 },
    cacheableSteps: hasEnded ? counts.cacheable : 0,
    cachedSteps: hasEnded ? counts.cached : 0,
    waitsMs: outcome === "succeeded" && endedAtMs !== undefined ? [endedAtMs - startedAtMs] : [],
    exportLagsMs: exported.result === "published" ? [exported.durationMs] : [],
  };
}
