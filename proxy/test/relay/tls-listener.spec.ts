/** Certificates are renewed without a restart, and a handshake that stalls holds nothing up. */
import { once } from "node:events";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { expect } from "chai";
import { makeCertificates } from "../support/certificates.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll, within } from "../support/poll.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

/** Fingerprint of the certificate that a new connection is shown. */
async function servedBy(address: string): Promise<string> {
  const { hostname: host, port } = new URL(address);
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

describe("a TLS listener", () => {
  let dir = "";
  let memoBuild: MemoBuild | undefined;

  before(async () => {
    dir = await makeTempDir("tls-reload");
  });

  after(async () => {
    await memoBuild?.stop();
    await removeDir(dir);
  });

  it("serves renewed files, and keeps the old ones when the new cannot be used", async () => {
    const { serverCert, serverKey } = await makeCertificates(dir);
    const [cert, key] = [join(dir, "live.crt"), join(dir, "live.key")];
    await Promise.all([copyFile(serverCert, cert), copyFile(serverKey, key)]);
    memoBuild = await startMemoBuild({
      builder: "unix:///nowhere/buildkitd.sock",
      args: ["--tls-cert", cert, "--tls-key", key],
    });
    const first = await servedBy(memoBuild.tcp);

    await writeFile(cert, "not a certificate");
    await memoBuild.logged("TLS files cannot be reloaded; the old ones stay");
    expect(await servedBy(memoBuild.tcp)).to.equal(first);

    const renewed = await makeCertificates(dir);
    await writeFile(key, await readFile(renewed.serverKey));
    await writeFile(cert, await readFile(renewed.serverCert));
    const { tcp } = memoBuild;
    await poll(
      () => servedBy(tcp),
      (fingerprint) => fingerprint !== first,
      { what: "the renewed certificate is served" },
    );
  });

  it("stops at once while a handshake stalls", async () => {
    const { serverCert, serverKey } = await makeCertificates(dir);
    const stalled = await startMemoBuild({
      builder: "unix:///nowhere/buildkitd.sock",
      args: ["--tls-cert", serverCert, "--tls-key", serverKey],
    });
    const { hostname: host, port } = new URL(stalled.tcp);
    const socket = net.connect({ host, port: Number(port) });
    socket.on("error", () => undefined);
    await once(socket, "connect");
    // The first bytes of a ClientHello of 512 bytes.
    socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1]));
    await stalled.metrics(); // an exchange with the process, by which it has read them
    expect(await within(stalled.stop(), 5_000, "MemoBuild stops")).to.equal(0);
    socket.destroy();
  });
});
