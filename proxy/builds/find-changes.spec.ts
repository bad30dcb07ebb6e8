import { expect } from "chai";
import { sampleStep } from "../test/support/build-samples.js";
import { RUN, STEPS, baseline, changedFrom, edited, recordOf } from "../test/support/explained-builds.js";
import type { StepRecord } from "./build-record.js";
import { findChanges, type Changes } from "./find-changes.js";

const changes = (before: readonly StepRecord[], after: readonly StepRecord[]): Changes["causes"] => {
  const files = new Map<string, never>();
  return findChanges({ record: recordOf(before), files }, { record: recordOf(after), files }).causes;
};

/** Each builds on the one before it; keys tell what they build on. */
const chain = (...instructions: string[]): StepRecord[] =>
  instructions.map((instruction, index) =>
    sampleStep({
      ...{ name: `[app ${index + 1}/${instructions.length}] ${instruction}`, stage: "app", instruction },
      ...{ key: instructions.slice(0, index + 1).join(), inputs: index === 0 ? [] : [index - 1] },
      parts: { command: instruction },
    }),
  );

describe("findChanges", () => {
  it("finds none between equal builds", () => {
    const files = new Map<string, never>();
    const { causes, counterparts } = findChanges({ record: baseline, files }, { record: recordOf(STEPS), files });
    expect(causes.every((cause) => cause === undefined)).to.equal(true);
    expect(counterparts).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it("tells of another order once, and not of instructions that were removed and added", () => {
    const causes = changes(chain("RUN 0", "RUN 1", "RUN 2", "RUN 3"), chain("RUN 0", "RUN 2", "RUN 1", "RUN 3"));
    expect([causes[1]?.kind, causes[1]?.root]).to.deep.equal(["instruction_changed", undefined]);
    expect(causes[1]?.text).to.equal("the order of the instructions changed: it came after RUN 1");
    expect(causes.slice(2).map((cause) => [cause?.kind, cause?.root])).to.deep.equal([
      ["input_changed", 1],
      ["input_changed", 1],
    ]);
  });

  it("follows what runs in another folder to the WORKDIR that changed", () => {
    const steps = (folder: string): StepRecord[] => {
      const [workdir, copy, run] = chain("WORKDIR $P", "COPY a b", "RUN ls");
      const of = (step: StepRecord | undefined, part: string): StepRecord =>
        sampleStep({ ...step, key: `${step?.key ?? ""} ${folder}`, parts: { [part]: folder } });
      return [of(workdir, "arg:P"), of(copy, "operation"), of(run, "folder")];
    };
    const causes = changes(steps("/x"), steps("/y"));
    expect(causes.map((cause) => [cause?.kind, cause?.root])).to.deep.equal([
      ["argument_changed", undefined],
      ["input_changed", 0],
      ["input_changed", 0],
    ]);
  });

  it("blames the folder itself where no WORKDIR changed", () => {
    const [, , , run] = edited(changedFrom(3, { parts: { ...RUN.parts, folder: "f2" } }));
    const causes = changes(STEPS, [...STEPS.slice(0, 3), ...(run === undefined ? [] : [run])]);
    expect(causes[3]).to.include({ kind: "environment_changed" });
  });
});
