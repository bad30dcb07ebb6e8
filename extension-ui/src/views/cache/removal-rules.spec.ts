/** Why exports were removed. */
import { expect } from "chai";
import { reasonOf, type Removal, RULE_NAMES, RULES, totalsByRule } from "./removal-rules.js";

const DAY_MS = 86_400_000;

const removal = (rule: Removal["rule"], sizeBytes = 10): Removal => ({
  ...{ project: "app", dockerfile: "Dockerfile", target: "", platform: "", ref: "r", rule, sizeBytes },
  ...{ atMs: 40 * DAY_MS, createdAtMs: 0, lastUsedAtMs: 9 * DAY_MS },
});

const LIMITS = { softMaxBytes: 20_000_000_000, minFreeBytes: 1_000_000_000, maxAge: "30d" };

describe("reasonOf", () => {
  it("names the limit that the rule met", () => {
    expect(reasonOf(removal("age"), LIMITS)).to.equal("not used for 31d 0h; the limit is 30d");
    expect(reasonOf(removal("size"), LIMITS)).to.contain("larger than 20GB");
    expect(reasonOf(removal("free_space"), LIMITS)).to.contain("less than 1GB");
    expect(reasonOf(removal("prune"), LIMITS)).to.contain("somebody pruned");
  });

  it("names the option where the age is not known", () => {
    expect(reasonOf(removal("age"), { ...LIMITS, maxAge: undefined })).to.contain("--cache-max-age");
  });
});

describe("totalsByRule", () => {
  it("adds up by rule, without rules that removed nothing", () => {
    expect(totalsByRule([removal("size", 5), removal("age"), removal("size", 7)])).to.deep.equal([
      { rule: "age", exports: 1, sizeBytes: 10 },
      { rule: "size", exports: 2, sizeBytes: 12 },
    ]);
  });
});

describe("RULES", () => {
  it("are all named", () => {
    expect(RULES).to.have.members(Object.keys(RULE_NAMES));
  });
});
