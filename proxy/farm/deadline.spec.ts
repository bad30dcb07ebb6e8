/** Promises of a deadline. */
import { getEventListeners } from "node:events";
import { expect } from "chai";
import { withDeadline } from "./deadline.js";

/** Work that ends only when it is told to. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(new Error("aborted"));
    });
  });

const failure = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

describe("withDeadline", () => {
  it("passes the result on and leaves no listener behind", async () => {
    const parent = new AbortController();
    expect(await withDeadline(parent.signal, 1_000, "late", () => Promise.resolve(7))).to.equal(7);
    expect(getEventListeners(parent.signal, "abort")).to.be.empty;
  });

  it("rejects with its own message when the time is up", async () => {
    expect(await failure(withDeadline(new AbortController().signal, 1, "late", untilAborted))).to.equal("late");
  });

  it("aborts with its parent, also one that was aborted before", async () => {
    const parent = new AbortController();
    const running = failure(withDeadline(parent.signal, 1_000, "late", untilAborted));
    parent.abort();
    expect(await running).to.equal("aborted");
    expect(getEventListeners(parent.signal, "abort")).to.be.empty;
    const seen = await withDeadline(parent.signal, 1_000, "late", (signal) => Promise.resolve(signal.aborted));
    expect(seen).to.equal(true);
  });
});
