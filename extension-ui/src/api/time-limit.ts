/** A limit on how long a view waits for what it asks: behind a network that swallows packets, nothing ever ends. */
import { ApiProblem, type Transport } from "./transport.js";

export const GET_LIMIT_MS = 30_000;

/** Only reading is limited: what was begun to be changed goes on, however long it takes. */
export function withTimeLimit(transport: Transport, limitMs: number = GET_LIMIT_MS): Transport {
  return {
    ...transport,
    async ask(request) {
      const { method, signal } = request;
      if (method !== "GET") return transport.ask(request);
      const late = new ApiProblem("unreachable", `MemoBuild did not answer within ${(limitMs / 1000).toString()} s.`);
      const ending = new AbortController();
      const abort = (): void => {
        ending.abort(signal.reason);
      };
      const timer = setTimeout(() => {
        ending.abort(late);
      }, limitMs);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      try {
        return await transport.ask({ ...request, signal: ending.signal });
      } catch (error) {
        throw ending.signal.reason === late ? late : error;
      } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      }
    },
  };
}
