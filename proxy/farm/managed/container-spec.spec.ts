/** Promises of what a managed builder's container is made as. */
import { expect } from "chai";
import { containerOptions, isSameContainer, type ContainerSettings } from "./container-spec.js";
import { gcArguments, managedNumber } from "./managed-builders.js";

const SETTINGS: ContainerSettings = {
  name: "managed-1",
  installation: "abc",
  image: "moby/buildkit:v0.32.2",
  imageId: "sha256:1",
  runDir: "/data/builders/managed-1/run",
  limits: {},
  gid: 0,
};

describe("containerOptions", () => {
  it("opens no port", () => {
    const { Cmd, ExposedPorts, HostConfig } = containerOptions(SETTINGS);
    expect(Cmd?.join(" ")).to.equal("--root /var/lib/buildkit --addr unix:///run/memobuild/buildkitd.sock");
    expect([ExposedPorts, HostConfig?.PortBindings]).to.deep.equal([undefined, undefined]);
  });

  it("lets a group other than root's use the socket", () => {
    expect(containerOptions({ ...SETTINGS, gid: 1000 }).Cmd?.join(" ")).to.include("--group 1000");
  });

  it("limits what it is told to limit", () => {
    const { Cmd, HostConfig } = containerOptions({
      ...SETTINGS,
      keepBytes: 5e9,
      limits: { cpus: 1.5, memoryBytes: 1e9 },
    });
    expect([HostConfig?.NanoCpus, HostConfig?.Memory]).to.deep.equal([1.5e9, 1e9]);
    expect(Cmd?.join(" ")).to.include("--oci-worker-gc-keepstorage 0,0,5000");
  });
});

describe("isSameContainer", () => {
  it("holds for the same settings, and for no others", () => {
    const { Labels = {} } = containerOptions(SETTINGS);
    expect(isSameContainer(Labels, containerOptions(SETTINGS))).to.equal(true);
    for (const change of [{ imageId: "sha256:2" }, { keepBytes: 1e9 }, { limits: { cpus: 1 } }, { gid: 5 }]) {
      expect(isSameContainer(Labels, containerOptions({ ...SETTINGS, ...change })), JSON.stringify(change)).to.equal(
        false,
      );
    }
    expect(isSameContainer({}, containerOptions(SETTINGS))).to.equal(false);
  });
});

describe("gcArguments", () => {
  it("are none without a limit, and never no limit at all", () => {
    expect(gcArguments(undefined)).to.deep.equal([]);
    expect(gcArguments(1)).to.deep.equal(["--oci-worker-gc-keepstorage", "0,0,1"]);
  });
});

describe("managedNumber", () => {
  it("takes only names that are made so", () => {
    const numbers = ["managed-1", "managed-64", "managed-0", "managed-01", "managed-", "x-managed-1", "other"].map(
      managedNumber,
    );
    expect(numbers).to.deep.equal([1, 64, undefined, undefined, undefined, undefined, undefined]);
  });
});
