/** TLS on either side of MemoBuild: buildx, which offers no ALPN, buildctl, which demands it, and a builder behind mutual TLS. */
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { createBuildx } from "../support/buildx.js";
import { makeCertificates, SERVER_NAME, type Certificates } from "../support/certificates.js";
import { run, type Outcome } from "../support/command.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

interface Parts {
  readonly dir: string;
  readonly certificates: Certificates;
  /** Signed by another authority than the one that the listeners know. */
  readonly strangers: Certificates;
  readonly daemon: Buildkitd;
  readonly memobuild: MemoBuild;
}

async function startParts(): Promise<Parts> {
  const dir = await makeTempDir("tls");
  for (const name of ["own", "strange", "daemon", "context"]) await mkdir(join(dir, name));
  await writeFiles(join(dir, "context"), { Dockerfile: "FROM scratch\nCOPY a.txt /\n", "a.txt": "over TLS\n" });
  const certificates = await makeCertificates(join(dir, "own"));
  const strangers = await makeCertificates(join(dir, "strange"));
  const daemon = await startBuildkitd(join(dir, "daemon"), certificates);
  const { ca, clientCert, clientKey, serverCert, serverKey } = certificates;
  const memobuild = await startMemoBuild({
    builder: `${daemon.tcp},cacert=${ca},cert=${clientCert},key=${clientKey},servername=${SERVER_NAME}`,
    args: ["--tls-cert", serverCert, "--tls-key", serverKey, "--tls-client-ca", ca],
  });
  return { dir, certificates, strangers, daemon, memobuild };
}

describe("TLS", () => {
  const current: { parts?: Parts } = {};
  const parts = (): Parts => {
    if (current.parts === undefined) throw new Error("the parts exist within tests only");
    return current.parts;
  };

  before(async () => {
    current.parts = await startParts();
  });

  after(async () => {
    await current.parts?.memobuild.stop();
    await current.parts?.daemon.stop();
    if (current.parts !== undefined) await removeDir(current.parts.dir);
  });

  const context = (): string => join(parts().dir, "context");

  /** buildx with a builder that uses these certificates; it tries for 20 seconds before it gives a builder up, unless told. */
  const buildx = async (endpoint: string, own: Certificates, ...args: string[]): Promise<Outcome> => {
    const { dir, certificates } = parts();
    const options = { cacert: certificates.ca, cert: own.clientCert, key: own.clientKey, servername: SERVER_NAME };
    const driver = Object.entries(options).map(([key, value]) => `${key}=${value}`);
    const client = await createBuildx(await mkdtemp(join(dir, "x-")), endpoint, driver);
    return client.run(args);
  };

  const buildctl = async (address: string, own: Certificates, ...args: string[]): Promise<Outcome> => {
    const names = ["--tlsservername", SERVER_NAME, "--tlscacert", parts().certificates.ca];
    return run("buildctl", [
      "--addr",
      address,
      ...names,
      "--tlscert",
      own.clientCert,
      "--tlskey",
      own.clientKey,
      ...args,
    ]);
  };

  const expectSameBuild = async (client: typeof buildx, ...args: string[]): Promise<void> => {
    const { certificates, daemon, memobuild } = parts();
    const direct = await client(daemon.tcp, certificates, ...args);
    expect(direct.code, direct.stderr).to.equal(0);
    expect(direct.stdout.toString()).to.include("over TLS");
    const through = await client(memobuild.tcp, certificates, ...args);
    expect(through.code, through.stderr).to.equal(0);
    expect(through.stdout.equals(direct.stdout)).to.equal(true);
  };

  it("is spoken with buildx, which offers no ALPN, and with the builder", async () => {
    await expectSameBuild(buildx, "build", "-o", "type=tar,dest=-", context());
  });

  it("is spoken with buildctl, which demands ALPN", async () => {
    const locals = ["--local", `context=${context()}`, "--local", `dockerfile=${context()}`];
    await expectSameBuild(buildctl, "build", "--frontend", "dockerfile.v0", ...locals, "--output", "type=tar,dest=-");
  });

  it("is refused to a client whose certificate another authority signed", async () => {
    const { certificates, strangers, memobuild } = parts();
    const known = await buildx(memobuild.tcp, certificates, "inspect", "--timeout", "5s");
    expect(known.stdout.toString()).to.match(/^Status: +running$/m);
    const unknown = await buildx(memobuild.tcp, strangers, "inspect", "--timeout", "5s");
    expect(unknown.stdout.toString()).to.not.match(/^Status: +running$/m);
    expect((await buildctl(memobuild.tcp, certificates, "debug", "workers")).code).to.equal(0);
    expect((await buildctl(memobuild.tcp, strangers, "debug", "workers")).code).to.equal(1);
  });
});
