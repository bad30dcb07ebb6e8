/** The steps of a build as its progress tells of them, while they come. */
import { millisecondsOf } from "../buildkit/build-messages.js";
import type { StatusResponse, Timestamp, Vertex, VertexStatus } from "../buildkit/build-messages.js";
import type { StepProgress } from "./build-record.js";

/** Steps of one build that are kept. */
export const STEPS_MAX = 20_000;
const INPUTS_MAX = 1_000;
/** Times that one step was at work. */
const INTERVALS_MAX = 100;
/** Of one step, the latest. */
const PROGRESS_MAX = 64;
const WARNINGS_MAX = 100;
const TEXT_MAX_CHARS = 2_000;
const DIGEST_MAX_CHARS = 200;

export interface LiveStep {
  readonly digest: string;
  name: string;
  inputs: readonly string[];
  isCached: boolean;
  error: string;
  startedAtMs: number | undefined;
  completedAtMs: number | undefined;
  readonly progress: Map<string, StepProgress>;
  readonly warnings: string[];
  /** Start → end of each time that it was at work. */
  readonly intervals: Map<number, number>;
}

export class LiveSteps {
  readonly #masked: (text: string) => string;
  readonly #steps = new Map<string, LiveStep>();
  #isCut = false;

  /** @param masked leaves out what must not be kept; before texts are cut, as the beginning of a secret is one, too. */
  constructor(masked: (text: string) => string) {
    this.#masked = masked;
  }

  /** In the order in which they were heard of. */
  get all(): ReadonlyMap<string, LiveStep> {
    return this.#steps;
  }

  /** There were more than are kept. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** Returns the digests of steps that this message completes. */
  add({ statuses, vertexes, warnings }: StatusResponse): string[] {
    const completed: string[] = [];
    for (const vertex of vertexes) {
      const step = this.#step(vertex.digest);
      if (step === undefined) continue;
      const wasComplete = step.completedAtMs !== undefined;
      this.#update(step, vertex);
      if (!wasComplete && step.completedAtMs !== undefined) completed.push(step.digest);
    }
    for (const status of statuses) this.#addProgress(status);
    for (const { short, vertex } of warnings) {
      const step = this.#steps.get(vertex);
      const text = this.#kept(short.toString("utf8"));
      if (step !== undefined && step.warnings.length < WARNINGS_MAX && !step.warnings.includes(text))
        step.warnings.push(text);
    }
    return completed;
  }

  #step(digest: string): LiveStep | undefined {
    const known = this.#steps.get(digest);
    if (known !== undefined) return known;
    if (this.#steps.size >= STEPS_MAX || digest.length > DIGEST_MAX_CHARS) {
      this.#isCut = true;
      return undefined;
    }
    const step: LiveStep = {
      digest,
      name: "",
      inputs: [],
      isCached: false,
      error: "",
      startedAtMs: undefined,
      completedAtMs: undefined,
      progress: new Map(),
      warnings: [],
      intervals: new Map(),
    };
    this.#steps.set(digest, step);
    return step;
  }

  #update(step: LiveStep, vertex: Vertex): void {
    if (vertex.name !== "") step.name = this.#kept(vertex.name);
    if (vertex.inputs.length > 0) step.inputs = vertex.inputs.slice(0, INPUTS_MAX);
    step.isCached ||= vertex.cached;
    const [started, completed] = [timeOf(vertex.started), timeOf(vertex.completed)];
    // A step that failed may be tried again.
    if (vertex.error !== "" || completed !== undefined) step.error = this.#kept(vertex.error);
    if (started === undefined) return;
    step.startedAtMs = Math.min(step.startedAtMs ?? started, started);
    // A step may be at work more than once, as the one that reads local files.
    step.completedAtMs = completed;
    if (completed === undefined || (!step.intervals.has(started) && step.intervals.size >= INTERVALS_MAX)) return;
    step.intervals.set(started, Math.max(completed, started));
  }

  #addProgress({ completed, current, id, name, total, vertex }: VertexStatus): void {
    const progress = this.#steps.get(vertex)?.progress;
    if (progress === undefined) return;
    const key = this.#kept(id);
    const [oldest] = progress.keys();
    if (!progress.has(key) && progress.size >= PROGRESS_MAX && oldest !== undefined) progress.delete(oldest);
    progress.set(key, { id: key, name: this.#kept(name), current, total, isDone: completed !== null });
  }

  #kept(text: string): string {
    return this.#masked(text).slice(0, TEXT_MAX_CHARS);
  }
}

/** The times that a step was at work, together; what overlaps counts once. */
export function workOf({ intervals }: Pick<LiveStep, "intervals">): number {
  let sum = 0;
  let until = -Infinity;
  for (const [start, end] of [...intervals].sort(([a], [b]) => a - b)) {
    if (end > until) sum += end - Math.max(start, until);
    until = Math.max(until, end);
  }
  return sum;
}

const timeOf = (time: Timestamp | null): number | undefined => (time === null ? undefined : millisecondsOf(time));
