import { expect } from "chai";
import { poll } from "../test/support/poll.js";
import { BuildOverlap } from "./build-overlap.js";

describe("BuildOverlap", () => {
  const isReleased = (released: readonly string[], name: string): Promise<unknown> =>
    poll(
      () => released.includes(name),
      (is) => is,
      { what: `${name} is released`, timeoutMs: 1_000 },
    );

  it("releases what a build was given after every build beside it has ended", async () => {
    const overlap = new BuildOverlap(0);
    const released: string[] = [];
    const [first, second] = [overlap.begin(), overlap.begin()];
    first.afterOverlap(() => released.push("first"));
    second.afterOverlap(() => released.push("second"));
    first.end();
    const third = overlap.begin(); // began later: it cannot use what the first was given
    third.afterOverlap(() => released.push("third"));
    await new Promise(setImmediate);
    expect(released).to.deep.equal([]);
    second.end();
    second.end();
    await isReleased(released, "first");
    expect(released).not.to.include("second");
    third.end();
    await isReleased(released, "second");
    await isReleased(released, "third");
  });

  it("releases everything when it is closed", () => {
    const overlap = new BuildOverlap(60_000);
    const released: string[] = [];
    const [ended, beside] = [overlap.begin(), overlap.begin()];
    ended.afterOverlap(() => released.push("waits for the other"));
    ended.end();
    const alone = new BuildOverlap(60_000);
    const build = alone.begin();
    build.afterOverlap(() => released.push("waits for the time"));
    build.end();
    overlap.close();
    alone.close();
    expect(released).to.deep.equal(["waits for the other", "waits for the time"]);
    beside.end();
  });
});
