/** What the client is told of the progress of one build, as far as it says which steps ran. */
import type { StatusResponse } from "../buildkit/build-messages.js";
import type { Definition } from "../buildkit/definition.js";

/** Steps that are remembered. */
const STEPS_MAX = 20_000;

export class BuildProgress {
  /** Resolves when no more of it comes. */
  readonly ended: Promise<void>;
  readonly #executed = new Set<string>();
  #hasLostTrack = false;
  #end: () => void = () => undefined;

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  add({ vertexes }: StatusResponse): void {
    for (const { cached, completed, digest, error } of vertexes) {
      if (completed.length === 0 || cached || error !== "") continue;
      if (this.#executed.size < STEPS_MAX) this.#executed.add(digest);
      else this.loseTrack();
    }
  }

  /** Something was missed. */
  loseTrack(): void {
    this.#hasLostTrack = true;
  }

  end(): void {
    this.#end();
  }

  /** Whether one of the steps ran, rather than being found in a cache; also where that cannot be told. */
  hasExecuted(definitions: readonly Definition[]): boolean {
    if (this.#hasLostTrack) return true;
    return definitions.some(({ steps }) => steps.some((digest) => this.#executed.has(digest)));
  }
}
