/** Which builds run on one builder at the same time: what one of them was given may be used by those beside it. */

/** How long after the last of them it is still kept. */
const GRACE_MS = 60_000;

export interface RunningBuild {
  /** The build is over; more than once does no harm. */
  end(): void;
  /** Calls `release` when the build and every build that ran beside it have ended, and some time has passed. */
  afterOverlap(release: () => void): void;
}

interface Lingering {
  /** Builds that were running when the one that lingers ended. */
  readonly beside: Set<RunningBuild>;
  readonly releases: readonly (() => void)[];
}

export class BuildOverlap {
  readonly #running = new Set<RunningBuild>();
  readonly #lingering = new Set<Lingering>();
  readonly #timers = new Map<NodeJS.Timeout, readonly (() => void)[]>();
  readonly #graceMs: number;

  constructor(graceMs: number = GRACE_MS) {
    this.#graceMs = graceMs;
  }

  begin(): RunningBuild {
    const releases: (() => void)[] = [];
    const build: RunningBuild = {
      end: () => {
        if (this.#running.delete(build)) this.#ended(build, releases);
      },
      afterOverlap: (release) => {
        if (this.#running.has(build)) releases.push(release);
        else release();
      },
    };
    this.#running.add(build);
    return build;
  }

  /** Releases everything now. */
  close(): void {
    for (const { releases } of this.#lingering) for (const release of releases) release();
    this.#lingering.clear();
    for (const [timer, releases] of this.#timers) {
      clearTimeout(timer);
      for (const release of releases) release();
    }
    this.#timers.clear();
  }

  #ended(build: RunningBuild, releases: readonly (() => void)[]): void {
    for (const lingering of [...this.#lingering]) {
      lingering.beside.delete(build);
      this.#releaseIfAlone(lingering);
    }
    if (releases.length === 0) return;
    const lingering = { beside: new Set(this.#running), releases };
    this.#lingering.add(lingering);
    this.#releaseIfAlone(lingering);
  }

  #releaseIfAlone(lingering: Lingering): void {
    if (lingering.beside.size > 0) return;
    this.#lingering.delete(lingering);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const release of lingering.releases) release();
    }, this.#graceMs).unref();
    this.#timers.set(timer, lingering.releases);
  }
}
