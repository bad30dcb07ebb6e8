/** Exports in words. */
import { expect } from "chai";
import { amountOf, platformOf, targetOf } from "./export-text.js";

describe("targetOf", () => {
  it("names Dockerfile and target, as far as they are known", () => {
    expect(targetOf({ dockerfile: "Dockerfile", target: "test", platform: "" })).to.equal("Dockerfile: test");
    expect(targetOf({ dockerfile: "Dockerfile", target: "", platform: "" })).to.equal("Dockerfile");
    expect(targetOf({ dockerfile: "", target: "", platform: "" })).to.equal("default");
  });
});

describe("platformOf", () => {
  it("says whose platform it is where none was asked for", () => {
    expect(platformOf({ dockerfile: "", target: "", platform: "" })).to.equal("builder's own");
    expect(platformOf({ dockerfile: "", target: "", platform: "linux/arm64" })).to.equal("linux/arm64");
  });
});

describe("amountOf", () => {
  it("counts exports, blobs and bytes", () => {
    expect(amountOf({ exports: [1], blobs: 31, bytes: 4_200_000 })).to.equal("1 export and 31 blobs, 4.2MB");
  });
});
