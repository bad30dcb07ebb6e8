/** What costs most is told in one sentence that holds. */
import { expect } from "chai";
import { CAUSE_KINDS } from "./build-record.js";
import { costsMost } from "./costs-most.js";

const MINUTE_MS = 60_000;

describe("costsMost", () => {
  it("names the cause that took most of the time, however rare it was", () => {
    const cost = costsMost(
      [
        { kind: "argument_changed", count: 30, steps: 90, durationMs: 5 * MINUTE_MS },
        { kind: "files_changed", count: 2, steps: 41, durationMs: 12 * MINUTE_MS + 3000 },
      ],
      31 * MINUTE_MS,
    );
    expect(cost).to.include({ durationMs: 12 * MINUTE_MS + 3000 });
    expect(cost?.text).to.equal(
      "Changed files made 41 steps run again, 12m 3s of work; all builds together took 31m 0s.",
    );
    expect(cost?.hint).to.include(".dockerignore");
  });

  it("blames no first build, as nothing was there to reuse", () => {
    const first = { kind: "first_build", count: 9, steps: 90, durationMs: 90 * MINUTE_MS } as const;
    expect(costsMost([first], MINUTE_MS)).to.equal(undefined);
    const evicted = { kind: "evicted", count: 1, steps: 1, durationMs: 1000 } as const;
    expect(costsMost([first, evicted], MINUTE_MS)?.text).to.match(
      /^Cache that was removed made 1 step run again, 1\.0s /,
    );
  });

  it("does not say again of steps that are new", () => {
    const added = { kind: "instruction_added", count: 1, steps: 3, durationMs: 1000 } as const;
    expect(costsMost([added], MINUTE_MS)?.text).to.equal(
      "New instructions made 3 steps run, 1.0s of work; all builds together took 1m 0s.",
    );
  });

  it("says nothing where nothing was lost", () => {
    expect(costsMost([], 0)).to.equal(undefined);
    expect(costsMost([{ kind: "files_changed", count: 1, steps: 1, durationMs: 0 }], 5)).to.equal(undefined);
  });

  for (const kind of CAUSE_KINDS.filter((each) => each !== "first_build")) {
    it(`has words for ${kind}`, () => {
      expect(costsMost([{ kind, count: 1, steps: 2, durationMs: 1 }], 1)?.text).to.match(/^[A-Z].* made 2 steps run/);
    });
  }
});
