/** Long work for a client of the API, which goes on only as long as the client waits for it. */
import type { ServerResponse } from "node:http";
import { ApiError } from "./api-error.js";

/** The signal aborts when the client goes away. */
type Job<T> = (signal: AbortSignal) => Promise<T>;

export class ApiJobs {
  readonly #running = new Set<Promise<unknown>>();
  #isTaken = false;

  /**
   * One at a time.
   *
   * @throws ApiError `busy` while another one runs
   */
  async run<T>(response: ServerResponse, job: Job<T>): Promise<T> {
    if (this.#isTaken) {
      throw new ApiError("busy", "another prune or verify is running; try again when it has ended");
    }
    this.#isTaken = true;
    try {
      return await this.runBeside(response, job);
    } finally {
      this.#isTaken = false;
    }
  }

  /** Beside any others. */
  async runBeside<T>(response: ServerResponse, job: Job<T>): Promise<T> {
    const leaving = new AbortController();
    // It closes after a complete answer too; then there is nothing left to abort.
    const onClose = (): void => {
      leaving.abort();
    };
    response.once("close", onClose);
    if (response.destroyed) leaving.abort();
    const running = job(leaving.signal);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      response.off("close", onClose);
    }
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running); // the clients of the jobs were told
  }
}
