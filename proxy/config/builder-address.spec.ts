/** Builder addresses: the kinds, TLS attributes, and that all mistakes of one address are found. */
import { expect } from "chai";
import { builderAddress, formatBuilderAddress } from "./builder-address.js";

const problemsOf = (text: string): string[] =>
  (builderAddress.safeParse(text).error?.issues ?? []).map(({ message }) => message);

describe("builderAddress", () => {
  it("reads each kind", () => {
    expect(builderAddress.parse("unix:///run/buildkit/buildkitd.sock")).to.deep.equal({
      kind: "unix",
      path: "/run/buildkit/buildkitd.sock",
    });
    expect(builderAddress.parse("tcp://builder:1234")).to.deep.equal({ kind: "tcp", host: "builder", port: 1234 });
    expect(builderAddress.parse("dns+tcp://builders.ci:1,cacert=/ca")).to.deep.equal({
      kind: "dns+tcp",
      host: "builders.ci",
      port: 1,
      tls: { caFile: "/ca" },
    });
    expect(builderAddress.parse("docker://")).to.deep.equal({ kind: "docker", path: "/var/run/docker.sock" });
    expect(builderAddress.parse("docker:///tmp/d.sock")).to.deep.equal({ kind: "docker", path: "/tmp/d.sock" });
  });

  it("reads TLS attributes under buildx's names", () => {
    expect(builderAddress.parse("tcp://[::1]:1234,cacert=/ca,cert=/c=1,key=/k,servername=b.example")).to.deep.equal({
      kind: "tcp",
      host: "::1",
      port: 1234,
      tls: { caFile: "/ca", certFile: "/c=1", keyFile: "/k", serverName: "b.example" },
    });
    expect(builderAddress.parse("tcp://b:1,cacert=/ca")).to.have.deep.property("tls", { caFile: "/ca" });
  });

  const refused = {
    "b:1234": ['"b:1234" is none of unix:///path, tcp://host:port, dns+tcp://name:port and docker:///path'],
    "dns+tcp://127.0.0.1:1": ["127.0.0.1 is an address, not a name: use tcp://"],
    "dns+tcp://b:0": ["port 0 is outside 1 to 65535"],
    "tcp://b:0": ["port 0 is outside 1 to 65535"],
    "tcp://b:1,servername=x": ["cacert is needed as soon as any TLS attribute is set"],
    "tcp://b:1,cacert=/ca,cert=/c": ["cert and key go together"],
    "tcp://b:1,cacert=ca": ["cacert=ca is not an absolute path"],
    "tcp://b:1,cacert=": ["attribute cacert has no value"],
    "tcp://b:1,cacert=/a,cacert=/b": ["attribute cacert is given twice"],
    "tcp://b,ca=/a,key=/k": [
      'unknown attribute "ca"; there are cacert, cert, key, servername',
      "cacert is needed as soon as any TLS attribute is set",
      "cert and key go together",
      '"b" is not host:port, as in 127.0.0.1:8372 or [::1]:8372',
    ],
  };
  for (const [text, problems] of Object.entries(refused)) {
    it(`refuses ${text} for all its reasons`, () => {
      expect(problemsOf(text)).to.have.members(problems);
    });
  }

  it("refuses a relative or overlong socket path", () => {
    expect(problemsOf("docker://tmp/d.sock")[0]).to.include("not an absolute path");
    expect(problemsOf(`unix:///${"x".repeat(107)}`)[0]).to.include("has 108 bytes");
  });
});

describe("formatBuilderAddress", () => {
  it("shows scheme and address, and no file", () => {
    const texts = [
      "unix:///a.sock",
      "docker:///d.sock",
      "tcp://[::1]:1,cacert=/secret/ca,cert=/secret/c,key=/secret/k",
      "dns+tcp://b:1,cacert=/secret/ca",
    ];
    expect(texts.map((text) => formatBuilderAddress(builderAddress.parse(text)))).to.deep.equal([
      "unix:///a.sock",
      "docker:///d.sock",
      "tcp://[::1]:1",
      "dns+tcp://b:1",
    ]);
  });
});
