/** Long work for a client of the API: one at a time, and only as long as the client waits for it. */
import type { ServerResponse } from "node:http";
import { ApiError } from "./api-error.js";

export class ApiJobs {
  #running: Promise<unknown> | undefined;

  /**
   * Aborts the signal when the client goes away.
   *
   * @throws ApiError `busy` while another one runs
   */
  async run<T>(response: ServerResponse, job: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running !== undefined) {
      throw new ApiError("busy", "another prune or verify is running; try again when it has ended");
    }
    const leaving = new AbortController();
    // It closes after a complete answer too; then there is nothing left to abort.
    const onClose = (): void => {
      leaving.abort();
    };
    response.once("close", onClose);
    if (response.destroyed) leaving.abort();
    const running = job(leaving.signal);
    this.#running = running;
    try {
      return await running;
    } finally {
      this.#running = undefined;
      response.off("close", onClose);
    }
  }

  /** Resolves when nothing runs any more. */
  async settled(): Promise<void> {
    await this.#running?.catch(() => undefined); // the client of the job was told
  }
}
