import { expect } from "chai";
import { parseStepName } from "./step-name.js";

describe("parseStepName", () => {
  const cases: readonly (readonly [name: string, parts: readonly string[]])[] = [
    ["[app 3/7] RUN make", ["[app 3/7] ", "", "app", "", "RUN make"]],
    ["[1/2] COPY a b", ["[1/2] ", "", "", "", "COPY a b"]],
    ["[app  3/12] RUN make", ["[app  3/12] ", "", "app", "", "RUN make"]],
    ["[linux/arm64 2/2] RUN x", ["[linux/arm64 2/2] ", "linux/arm64", "", "", "RUN x"]],
    ["[linux/amd64->arm64 app 2/2] RUN x", ["[linux/amd64->arm64 app 2/2] ", "linux/amd64->arm64", "app", "", "RUN x"]],
    ["[app 2/3] LINK COPY a b", ["[app 2/3] ", "", "app", "LINK ", "COPY a b"]],
    ["[app 2/3] ONBUILD RUN x", ["[app 2/3] ", "", "app", "ONBUILD ", "RUN x"]],
    ["[internal] load build context", ["", "", "", "", "[internal] load build context"]],
    ["[context tools] load 1/2] x", ["", "", "", "", "[context tools] load 1/2] x"]],
    ["do 1/2] this", ["", "", "", "", "do 1/2] this"]],
    ["", ["", "", "", "", ""]],
  ];
  for (const [name, [prefix, platform, stage, mark, rest]] of cases) {
    it(`reads "${name}"`, () => {
      expect(parseStepName(name)).to.deep.equal({ prefix, platform, stage, mark, rest });
    });
  }

  it("reads long names in little time", () => {
    for (const unit of ["a/", " ", "1/2 ", "] "]) {
      const name = `[${unit.repeat(1_000_000)}`;
      expect(parseStepName(name)).to.deep.include({ prefix: "", rest: name });
    }
  });
});
