/** Builds as people see them: those that run, and those in the history. */
import { BuildNameError } from "./build-desk.js";
import type { BuildDesk, Comparison, EventPage, Explanation } from "./build-desk.js";
import type { BuildEvents } from "./build-events.js";
import type { BuildRecord, BuildSummary } from "./build-record.js";
import type { BuildRecorder } from "./build-recorder.js";
import { compareBuilds } from "./compare-builds.js";
import { explanationOf } from "./explanation-of.js";
import type { BuildPage, BuildQuery, Figures, FiguresQuery, History, LogPage, LogQuery } from "./history.js";
import type { Trend, TrendQuery } from "./history.js";
import { summaryOf } from "./summary-of.js";

export interface RecordedBuildsDeps {
  readonly history: History;
  readonly recorder: Pick<BuildRecorder, "record" | "settled" | "flushLog">;
  readonly events: BuildEvents;
}

/** Of names that a beginning fits, these are told. */
const AMBIGUOUS_TOLD = 5;

export class RecordedBuilds implements BuildDesk {
  readonly #deps: RecordedBuildsDeps;

  constructor(deps: RecordedBuildsDeps) {
    this.#deps = deps;
  }

  async resolve(name: string): Promise<string> {
    const { history } = this.#deps;
    const nth = /^\^(\d{1,9})?$/.exec(name);
    if (nth !== null) {
      const n = Math.max(1, Number(nth[1] ?? 1));
      const ref = await history.latest(n);
      if (ref === undefined) throw new BuildNameError("unknown", `there are fewer than ${n} builds`);
      return ref;
    }
    const refs = name === "" ? [] : await history.refs(name, AMBIGUOUS_TOLD + 1);
    const [first, ...others] = refs.includes(name) ? [name] : refs;
    if (first === undefined) throw new BuildNameError("unknown", `there is no build ${name}`);
    if (others.length === 0) return first;
    const told = refs.slice(0, AMBIGUOUS_TOLD).join(", ");
    const more = refs.length > AMBIGUOUS_TOLD ? ", …" : "";
    throw new BuildNameError("ambiguous", `more than one build begins with ${name}: ${told}${more}`);
  }

  async list(query: BuildQuery): Promise<BuildPage> {
    const page = await this.#deps.history.list(query);
    return { ...page, builds: page.builds.map((build) => this.#asItStands(build)) };
  }

  async build(ref: string): Promise<BuildRecord | undefined> {
    const { history, recorder } = this.#deps;
    await recorder.settled();
    return recorder.record(ref) ?? history.build(ref);
  }

  async logs(ref: string, query: LogQuery): Promise<LogPage | undefined> {
    const { history, recorder } = this.#deps;
    await recorder.flushLog(ref);
    return history.logs(ref, query);
  }

  async explain(ref: string): Promise<Explanation | undefined> {
    const record = await this.build(ref);
    return record === undefined ? undefined : explanationOf(record);
  }

  async compare(before: string, after: string): Promise<Comparison | undefined> {
    const [earlier, later] = [await this.build(before), await this.build(after)];
    if (earlier === undefined || later === undefined) return undefined;
    return { before: summaryOf(earlier), after: summaryOf(later), steps: compareBuilds(earlier, later) };
  }

  async remove(refs: readonly string[]): Promise<number> {
    const { events, history, recorder } = this.#deps;
    const running = refs.find((ref) => recorder.record(ref) !== undefined);
    if (running !== undefined) throw new BuildNameError("running", `build ${running} still runs`);
    const found = await Promise.all([...new Set(refs)].map((ref) => history.build(ref)));
    const gone = found.flatMap((build) => (build === undefined || build.outcome === "running" ? [] : [build]));
    const removed = await history.remove(refs);
    for (const build of gone) events.add({ type: "removed", build: summaryOf(build), running: [] });
    return removed;
  }

  figures(query: FiguresQuery): Promise<Figures> {
    return this.#deps.history.figures(query);
  }

  trend(query: TrendQuery): Promise<Trend> {
    return this.#deps.history.trend(query);
  }

  events(cursor: string | undefined, limit: number): EventPage {
    return this.#deps.events.after(cursor, limit);
  }

  onEvents(listener: () => void): () => void {
    return this.#deps.events.onEvents(listener);
  }

  #asItStands(build: BuildSummary): BuildSummary {
    const record = build.outcome === "running" ? this.#deps.recorder.record(build.ref) : undefined;
    return record === undefined ? build : summaryOf(record);
  }
}
