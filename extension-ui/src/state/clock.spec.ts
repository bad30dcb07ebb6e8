/** One timer for all who read a clock. */
import { expect } from "chai";
import { createClock } from "./clock.js";

const INTERVAL_MS = 5;

describe("createClock", () => {
  it("tells all who follow it the same time, and goes on until the last has left", async () => {
    let nowMs = 1000;
    const clock = createClock(INTERVAL_MS, () => nowMs);
    nowMs = 2000;
    const told: string[] = [];
    const ticked = (who: string): Promise<() => void> =>
      new Promise((resolve) => {
        const stop = clock.follow(() => {
          told.push(`${who} ${clock.read().toString()}`);
          resolve(stop);
        });
      });
    const stops = await Promise.all([ticked("a"), ticked("b")]);
    expect(told.slice(0, 2)).to.deep.equal(["a 2000", "b 2000"]);
    nowMs = 2001;
    expect(clock.read()).to.equal(2000);
    for (const stop of stops) stop();
    const count = told.length;
    await new Promise((resolve) => setTimeout(resolve, 3 * INTERVAL_MS));
    expect(told).to.have.length(count);
  });

  it("is not behind where nobody has read it for long", () => {
    let nowMs = 1000;
    const clock = createClock(INTERVAL_MS, () => nowMs);
    nowMs = 90_000;
    expect(clock.read()).to.equal(90_000);
  });
});
