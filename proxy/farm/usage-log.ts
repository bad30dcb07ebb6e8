/** What builders and MemoBuild used over the last hours: a bounded number of samples of each, in memory. */
import { type LoadSample, MEMOBUILD_SERIES, type ResourceUsage, type UsageHistory } from "./builder-desk.js";

/** Between two samples that stay. */
export const USAGE_STEP_MS = 30_000;
/** Six hours. */
export const USAGE_SAMPLES_MAX = 720;
/** What is told at once is bounded too: of so many builders, in so many samples each. */
export const USAGE_BUILDERS_MAX = 100;
export const USAGE_TOLD_MAX = 180;

export interface UsageMoment {
  /** Of each builder that there is, by name. */
  readonly builders: ReadonlyMap<string, ResourceUsage>;
  readonly memobuild: ResourceUsage;
  readonly load: LoadSample;
}

export class UsageLog {
  readonly #builders = new Map<string, SampleRing<ResourceUsage>>();
  readonly #memobuild = new SampleRing<ResourceUsage>(({ sampledAtMs }) => sampledAtMs);
  readonly #load = new SampleRing<LoadSample>(({ atMs }) => atMs);

  /** Builders that are not among them any more are forgotten. */
  note({ builders, load, memobuild }: UsageMoment): void {
    for (const name of this.#builders.keys()) if (!builders.has(name)) this.#builders.delete(name);
    for (const [name, usage] of builders) this.#ringOf(name)?.add(usage);
    this.#memobuild.add(memobuild);
    this.#load.add(load);
  }

  history(): UsageHistory {
    // The same for all of them, so that their samples stand beside each other: the load's are the most.
    const stride = Math.ceil(Math.max(this.#load.length, 1) / USAGE_TOLD_MAX);
    const ofBuilders = [...this.#builders].map(([name, ring]) => ({ name, samples: ring.each(stride) }));
    return {
      stepMs: stride * USAGE_STEP_MS,
      series: [...ofBuilders, { name: MEMOBUILD_SERIES, samples: this.#memobuild.each(stride) }],
      load: this.#load.each(stride),
    };
  }

  /** Undefined for a new builder where there are enough. */
  #ringOf(name: string): SampleRing<ResourceUsage> | undefined {
    const known = this.#builders.get(name);
    if (known !== undefined || this.#builders.size >= USAGE_BUILDERS_MAX) return known;
    const ring = new SampleRing<ResourceUsage>(({ sampledAtMs }) => sampledAtMs);
    this.#builders.set(name, ring);
    return ring;
  }
}

/** The latest sample is always there; of those before it, one for each step, as long as there is room. */
class SampleRing<T> {
  readonly #samples: T[] = [];
  readonly #atMs: (sample: T) => number;

  constructor(atMs: (sample: T) => number) {
    this.#atMs = atMs;
  }

  get length(): number {
    return this.#samples.length;
  }

  /** The latest, and counted back from it one of every `stride`. */
  each(stride: number): readonly T[] {
    const last = this.#samples.length - 1;
    return this.#samples.filter((_, at) => (last - at) % stride === 0);
  }

  add(sample: T): void {
    const [before, last] = this.#samples.slice(-2);
    if (before !== undefined && last !== undefined && !this.#isStepBehind(before, last)) this.#samples.pop();
    this.#samples.push(sample);
    if (this.#samples.length > USAGE_SAMPLES_MAX) this.#samples.shift();
  }

  /** Whichever way the clock went. */
  #isStepBehind(before: T, last: T): boolean {
    return Math.abs(this.#atMs(last) - this.#atMs(before)) >= USAGE_STEP_MS;
  }
}
