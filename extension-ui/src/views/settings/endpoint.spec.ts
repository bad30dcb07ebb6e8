/** Addresses and commands for buildx. */
import { expect } from "chai";
import { commandOf, createArguments, endpointsOf, inspectedEndpoint, namesOwnMachine, NO_NEEDS } from "./endpoint.js";

const SOCKET = "unix:///run/memobuild/memobuild.sock";
const addresses = (listen: readonly string[], pageHost: string, isDesktop = false): readonly string[] =>
  endpointsOf(listen, { pageHost, isDesktop }).map(({ address }) => address);

describe("endpointsOf", () => {
  it("puts TCP before unix sockets", () => {
    expect(addresses([SOCKET, "tcp://127.0.0.1:8372"], "127.0.0.1")).to.deep.equal(["tcp://127.0.0.1:8372", SOCKET]);
  });

  it("puts what other machines reach before loopback", () => {
    const listen = ["tcp://127.0.0.1:8372", "tcp://0.0.0.0:8375"];
    expect(endpointsOf(listen, { pageHost: "farm.example", isDesktop: false })).to.deep.equal([
      { address: "tcp://farm.example:8375", isLocal: false },
      { address: "tcp://127.0.0.1:8372", isLocal: true },
    ]);
  });

  it("names the host of the page where MemoBuild listens on all", () => {
    expect(addresses(["tcp://0.0.0.0:8372"], "farm.example")).to.deep.equal(["tcp://farm.example:8372"]);
    expect(addresses(["tcp://[::]:8372"], "[fd00::1]")).to.deep.equal(["tcp://[fd00::1]:8372"]);
    expect(addresses(["tcp://0.0.0.0:8372"], "")).to.deep.equal(["tcp://127.0.0.1:8372"]);
  });

  it("takes an address for local by where MemoBuild listens, not by where the page is", () => {
    const local = { pageHost: "127.0.0.1", isDesktop: false };
    expect(endpointsOf(["tcp://0.0.0.0:8372"], local)).to.deep.equal([
      { address: "tcp://127.0.0.1:8372", isLocal: false },
    ]);
    expect(endpointsOf(["tcp://[::1]:8372"], local)).to.deep.equal([{ address: "tcp://[::1]:8372", isLocal: true }]);
  });

  it("keeps a host that is given", () => {
    expect(addresses(["tcp://10.1.2.3:8372"], "farm.example")).to.deep.equal(["tcp://10.1.2.3:8372"]);
  });

  it("takes the published port alone in Docker Desktop", () => {
    expect(addresses([SOCKET, "tcp://0.0.0.0:9000"], "", true)).to.deep.equal(["tcp://127.0.0.1:9000"]);
    expect(addresses([SOCKET], "", true)).to.deep.equal([]);
  });
});

describe("createArguments", () => {
  const create = "docker buildx create --name memobuild --driver remote";

  it("makes the plain command", () => {
    expect(commandOf(createArguments("tcp://127.0.0.1:8372", NO_NEEDS))).to.equal(`${create} tcp://127.0.0.1:8372`);
  });

  it("loads results by default where that is wanted", () => {
    const command = commandOf(createArguments("tcp://127.0.0.1:8372", { ...NO_NEEDS, loadsByDefault: true }));
    expect(command).to.equal(`${create} --driver-opt default-load=true tcp://127.0.0.1:8372`);
  });

  it("names certificates for TCP alone", () => {
    const needs = { ...NO_NEEDS, hasTls: true, wantsClientCertificate: true };
    expect(commandOf(createArguments("tcp://farm.example:8372", needs))).to.equal(
      `${create} --driver-opt cacert=ca.pem --driver-opt cert=cert.pem,key=key.pem tcp://farm.example:8372`,
    );
    expect(commandOf(createArguments(SOCKET, needs))).to.equal(`${create} ${SOCKET}`);
  });
});

describe("commandOf", () => {
  it("quotes what a shell would not take as it stands", () => {
    expect(commandOf(["create", "unix:///run/my memobuild/it's.sock"])).to.equal(
      "docker buildx create 'unix:///run/my memobuild/it'\\''s.sock'",
    );
    expect(commandOf(["create", "tcp://[::1]:8372"])).to.equal("docker buildx create 'tcp://[::1]:8372'");
  });
});

describe("namesOwnMachine", () => {
  it("tells an address that leads elsewhere from elsewhere", () => {
    expect(["tcp://127.0.0.1:1", "tcp://[::1]:1", "tcp://farm:1", "unix:///a"].map(namesOwnMachine)).to.deep.equal([
      ...[true, true, false, false],
    ]);
  });
});

describe("inspectedEndpoint", () => {
  it("finds the endpoint of the node", () => {
    const output =
      "Name:   memobuild\nDriver: remote\n\nNodes:\nName:     memobuild0\nEndpoint: tcp://127.0.0.1:8372\n";
    expect(inspectedEndpoint(output)).to.equal("tcp://127.0.0.1:8372");
  });

  it("says so where there is none", () => {
    expect(inspectedEndpoint("something else")).to.equal(undefined);
  });
});
