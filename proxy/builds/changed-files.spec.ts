import { expect } from "chai";
import { COPY, FILES, STEPS, file, recordOf } from "../test/support/explained-builds.js";
import type { FileList, StepCause } from "./build-record.js";
import { ChangedFiles } from "./changed-files.js";

const causeOf = (before: FileList, after: FileList, path = "/"): StepCause | undefined => {
  const build = (files: FileList): ConstructorParameters<typeof ChangedFiles>[0] => ({
    ...{ record: recordOf(STEPS), files: new Map([["context", files]]) },
  });
  const selections = COPY.selections.map((selection) => ({ ...selection, path }));
  return new ChangedFiles(build(before), build(after)).causeFor({ ...COPY, selections });
};
const link = (linkname: string): FileList => [
  file("l", { mode: (1 << 27) + 0o777, linkname, contentHash: "" }),
  ...[file("a"), file("b")],
];

describe("ChangedFiles", () => {
  it("knows of no cause where nothing changed", () => {
    expect(causeOf(FILES, FILES)).to.equal(undefined);
  });

  it("names a link that leads elsewhere, and not the files at its ends", () => {
    const cause = causeOf(link("a"), link("b"), "/l");
    expect(cause?.files).to.deep.equal([{ path: "l", change: "link", before: "a", after: "b" }]);
    expect(causeOf(link("a"), link("a"), "/l")).to.equal(undefined);
  });

  it("says how many other files were only touched", () => {
    const [first = file("x"), ...others] = FILES;
    const touched = others.map((one) => ({ ...one, modifiedAtMs: 9 }));
    const cause = causeOf(FILES, [{ ...first, contentHash: "other" }, ...touched]);
    expect(cause?.text).to.match(/the file app\.js/);
    expect(cause?.hint).to.match(/^2 other files have only another modification time/);
    expect(causeOf(FILES, [first, ...touched])).to.equal(undefined);
  });
});
