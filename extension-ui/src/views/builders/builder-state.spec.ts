/** How builders do, in words. */
import { expect } from "chai";
import { alarmOf, BUILDER_LOOKS, LOOK_NAMES, lookOf } from "./builder-state.js";

const builder = (state: "up" | "down" | "refused" | "unknown", isDraining = false, cause?: string) => ({
  ...{ name: "b", state, isDraining },
  ...(cause !== undefined && { cause }),
});

describe("lookOf", () => {
  it("shows that a builder drains only while it is up", () => {
    expect(lookOf(builder("up"))).to.equal("up");
    expect(lookOf(builder("up", true))).to.equal("draining");
    expect(lookOf(builder("down", true))).to.equal("down");
  });
});

describe("LOOK_NAMES", () => {
  it("has a word for each", () => {
    expect(Object.keys(LOOK_NAMES)).to.have.members([...BUILDER_LOOKS]);
  });
});

describe("alarmOf", () => {
  it("is silent while one builder takes builds", () => {
    expect(alarmOf([builder("down"), builder("up")])).to.equal(undefined);
    expect(alarmOf([builder("unknown")])).to.equal(undefined);
  });

  it("gives the cause where the only builder is down", () => {
    expect(alarmOf([builder("down", false, "connection refused")]))
      .to.contain("down")
      .and.contain("connection refused");
  });

  it("tells when none is up, none takes builds, or none is there", () => {
    expect(alarmOf([builder("down"), builder("refused")])).to.contain("No builder is up");
    expect(alarmOf([builder("down"), builder("up", true)])).to.contain("No builder takes builds");
    expect(alarmOf([])).to.contain("no builder");
  });
});
