/** What a daemon says about itself, read from the bytes of its answer. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { fileURLToPath } from "node:url";
import { loadWorkersCodec } from "./workers.js";

const root = await protobuf.load(fileURLToPath(new URL("../../protos/workers.proto", import.meta.url)));
const response = root.lookupType("moby.buildkit.v1.ListWorkersResponse");

const decode = async (record: readonly object[]): Promise<unknown> =>
  (await loadWorkersCodec())(Buffer.from(response.encode(response.fromObject({ record })).finish()));

const linux = (architecture: string, variant = ""): object => ({ os: "linux", architecture, variant });

describe("loadWorkersCodec", () => {
  it("puts all workers together, the first before the others", async () => {
    const workers = [
      {
        id: "w1",
        labels: { executor: "oci", hostname: "a" },
        platforms: [linux("amd64"), linux("arm64")],
        buildkitVersion: { version: "v0.32.2" },
      },
      {
        id: "w2",
        labels: { executor: "containerd", network: "host" },
        platforms: [linux("arm64"), linux("arm", "v7")],
      },
    ];
    expect(await decode(workers)).to.deep.equal({
      id: "w1",
      version: "v0.32.2",
      platforms: ["linux/amd64", "linux/arm64", "linux/arm/v7"],
      labels: { executor: "oci", hostname: "a", network: "host" },
    });
  });

  it("takes what does not say anything", async () => {
    const nothing = { id: "", version: "", platforms: [], labels: {} };
    expect(await decode([])).to.deep.equal(nothing);
    expect(await decode([{}])).to.deep.equal(nothing);
  });
});
