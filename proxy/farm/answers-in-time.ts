/** Whether somebody answers behind an address, before a builder is sent there that would wait for ever. */
import { request } from "node:http";

/** Resolves with true at the first byte of any HTTP answer, with false at an error or when none has come in time. */
export async function answersInTime(url: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    // A connection of its own: one that is kept may work where no new one does.
    const asking = request(url, { method: "HEAD", agent: false, signal: AbortSignal.timeout(timeoutMs) });
    asking.once("response", (response) => {
      response.resume();
      resolve(true);
    });
    asking.once("error", () => {
      resolve(false);
    });
    asking.end();
  });
}
