/** What the client is told of the progress of one build, as far as it says which steps ran. */
import type { RecordedBuild } from "../builds/recording.js";
import type { StatusResponse } from "../buildkit/build-messages.js";
import type { Definition } from "../buildkit/definition.js";

/** Steps that are remembered. */
const STEPS_MAX = 20_000;

export class BuildProgress {
  /** Resolves when no more of it comes. */
  readonly ended: Promise<void>;
  readonly #executed = new Set<string>();
  #hasLostTrack = false;
  #record: RecordedBuild | undefined;
  #end: () => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Goes into the record too, from here on; the builder tells nothing before there is the build. */
  recordTo(record: RecordedBuild): void {
    this.#record = record;
    record.statusBegan();
  }

  add(status: StatusResponse): void {
    this.#record?.status(status);
    for (const { cached, completed, digest, error } of status.vertexes) {
      if (completed === null || cached || error !== "") continue;
      if (this.#executed.size < STEPS_MAX) this.#executed.add(digest);
      else this.loseTrack();
    }
  }

  /** Something was missed. */
  loseTrack(): void {
    this.#hasLostTrack = true;
  }

  end(): void {
    this.#record?.statusEnded(!this.#hasLostTrack);
    this.#end();
  }

  /** Whether one of the steps ran, rather than being found in a cache; also where that cannot be told. */
  hasExecuted(definitions: readonly Definition[]): boolean {
    if (this.#hasLostTrack) return true;
    return definitions.some(({ steps }) => steps.some((digest) => this.#executed.has(digest)));
  }
}
