/** What a Docker Engine's BuildKit is taken to lack. */
import { expect } from "chai";
import type { Workers } from "../buildkit/workers.js";
import { abilitiesOf } from "./builder-abilities.js";

const workers = (version: string, labels: Record<string, string> = {}): Workers => ({
  id: "moby",
  version,
  platforms: ["linux/amd64"],
  labels,
});

const STORE = { "org.mobyproject.buildkit.worker.snapshotter": "overlayfs" };

describe("abilitiesOf", () => {
  it("is everything for a BuildKit of its own, labels or not", () => {
    const all = { canExportCache: true, canImportCache: true, limitations: [] };
    expect(abilitiesOf(false, undefined)).to.deep.equal(all);
    expect(abilitiesOf(false, workers(""))).to.deep.equal(all);
  });

  it("is everything for an engine of today with the containerd image store", () => {
    const all = { canExportCache: true, canImportCache: true, limitations: [] };
    expect(abilitiesOf(true, workers("v0.28.1", STORE))).to.deep.equal(all);
  });

  it("lacks images and cache exports in an engine without that store, and says so", () => {
    const { canExportCache, canImportCache, limitations } = abilitiesOf(true, workers("v0.12.5"));
    expect({ canExportCache, canImportCache }).to.deep.equal({ canExportCache: false, canImportCache: true });
    expect(limitations).to.have.length(2);
    expect(limitations[0]).to.contain("--push").and.to.contain("--load");
  });

  it("lacks cache imports in an engine that is old, or does not tell how old it is", () => {
    for (const version of ["v0.11.7+d3e6c1360f6e", ""]) {
      const { canImportCache, limitations } = abilitiesOf(true, workers(version, STORE));
      expect(canImportCache).to.equal(false);
      expect(limitations).to.have.length(1);
    }
  });

  it("asks nothing of an engine that it has not seen, and says nothing", () => {
    const nothing = { canExportCache: false, canImportCache: false, limitations: [] };
    expect(abilitiesOf(true, undefined)).to.deep.equal(nothing);
  });
});
