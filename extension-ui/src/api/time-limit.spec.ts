/** How long is waited for an answer, and that nothing is left of the wait. */
import { getEventListeners } from "node:events";
import { expect } from "chai";
import { withTimeLimit } from "./time-limit.js";
import type { Transport } from "./transport.js";

const LIMIT_MS = 20;

/** Ends when it is aborted alone. */
const silent: Transport = {
  ask: ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
      });
    }),
};

const caught = (answer: Promise<unknown>): Promise<unknown> => answer.catch((error: unknown) => error);

describe("withTimeLimit", () => {
  it("reports a GET that is not answered as unreachable", async () => {
    const { signal } = new AbortController();
    const problem = await caught(withTimeLimit(silent, LIMIT_MS).ask({ method: "GET", path: "/x", signal }));
    expect(problem).to.have.property("code", "unreachable");
    expect(getEventListeners(signal, "abort")).to.have.length(0);
  });

  it("ends a GET with the reason of whoever asked", async () => {
    const ending = new AbortController();
    const asked = caught(withTimeLimit(silent).ask({ method: "GET", path: "/x", signal: ending.signal }));
    ending.abort(new Error("gone"));
    expect(await asked).to.have.property("message", "gone");
  });

  it("hands on answers, and changes with the signal that they came with", async () => {
    const echo = withTimeLimit({ ask: (request) => Promise.resolve(request) });
    const { signal } = new AbortController();
    expect(await echo.ask({ method: "GET", path: "/x", signal })).to.have.property("path", "/x");
    const request = { method: "POST", path: "/x", signal } as const;
    expect(await echo.ask(request)).to.equal(request);
    expect(getEventListeners(signal, "abort")).to.have.length(0);
  });
});
