/** What builders and MemoBuild used over the last hours: a bounded number of samples of each, in memory. */
import { type LoadSample, MEMOBUILD_SERIES, type ResourceUsage, type UsageHistory } from "./builder-desk.js";

/** Between two samples that stay. */
export const USAGE_STEP_MS = 30_000;
/** Six hours. */
export const USAGE_SAMPLES_MAX = 720;

export interface UsageMoment {
  /** Of each builder that there is, by name. */
  readonly builders: ReadonlyMap<string, ResourceUsage>;
  readonly memobuild: ResourceUsage;
  readonly load: LoadSample;
}

export class UsageLog {
  #builders = new Map<string, SampleRing<ResourceUsage>>();
  readonly #memobuild = new SampleRing<ResourceUsage>(({ sampledAtMs }) => sampledAtMs);
  readonly #load = new SampleRing<LoadSample>(({ atMs }) => atMs);

  /** Builders that are not among them any more are forgotten. */
  note({ builders, load, memobuild }: UsageMoment): void {
    const known = this.#builders;
    this.#builders = new Map();
    for (const [name, usage] of builders) {
      const ring = known.get(name) ?? new SampleRing<ResourceUsage>(({ sampledAtMs }) => sampledAtMs);
      ring.add(usage);
      this.#builders.set(name, ring);
    }
    this.#memobuild.add(memobuild);
    this.#load.add(load);
  }

  history(): UsageHistory {
    const ofBuilders = [...this.#builders].map(([name, { samples }]) => ({ name, samples }));
    return {
      stepMs: USAGE_STEP_MS,
      series: [...ofBuilders, { name: MEMOBUILD_SERIES, samples: this.#memobuild.samples }],
      load: this.#load.samples,
    };
  }
}

/** The latest sample is always there; of those before it, one for each step, as long as there is room. */
class SampleRing<T> {
  readonly #samples: T[] = [];
  readonly #atMs: (sample: T) => number;

  constructor(atMs: (sample: T) => number) {
    this.#atMs = atMs;
  }

  get samples(): readonly T[] {
    return [...this.#samples];
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
