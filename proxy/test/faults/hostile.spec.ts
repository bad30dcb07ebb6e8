/** Who has no token learns nothing from the cache registry, and who may not write starts nothing. */
import { mkdir } from "node:fs/promises";
import { expect } from "chai";
import { runOk } from "../support/command.js";
import { startMemoBuild } from "../support/memobuild.js";
import { useCacheScene } from "./cache-scene.js";

const TOKEN = "0123456789abcdef".repeat(2);

describe("a cache registry that is asked without a token", () => {
  const current = useCacheScene();

  it("answers 404 to everything, from within a build too", async () => {
    const scene = current();
    const { address } = await scene.start().then((memobuild) => memobuild.logged("registry listening"));
    await scene.buildAndExport();
    const { digest } = await scene.inputBlob();
    const blob = `sha256:${digest}`;
    const requests = [
      ["GET", "/"],
      ["GET", "/v2/"],
      ["GET", "/v2/_catalog"],
      ["GET", "/metrics"],
      ["GET", `/v2/${TOKEN}/cache/manifests/export`],
      ["GET", `/v2/cache/blobs/${blob}`],
      ["HEAD", `/v2/${TOKEN}/cache/blobs/${blob}`],
      ["POST", `/v2/${TOKEN}/cache/blobs/uploads/`],
      ["PUT", `/v2/${TOKEN}/cache/blobs/uploads/1?digest=${blob}`],
      ["PUT", `/v2/${TOKEN}/cache/manifests/export`],
      ["GET", `/probe/${TOKEN}`],
      ["DELETE", `/v2/${TOKEN}/cache/blobs/${blob}`],
      ["GET", `/v2/${TOKEN}/cache/blobs/..%2f..%2f..%2findex.db`],
    ] as const;
    for (const [method, path] of requests) {
      const { headers, status } = await fetch(`http://${String(address)}${path}`, { method });
      expect({ method, path, status }).to.deep.equal({ method, path, status: 404 });
      expect(headers.get("www-authenticate")).to.equal(null);
    }
    // The builder of the tests gives its steps the network of the machine.
    const asked = requests
      .filter(([method]) => method === "GET")
      .map(([, path]) => `'http://${String(address)}${path}'`);
    const { code, stderr } = await scene.buildDockerfile(
      `FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "sh", "-c", "for url in ${asked.join(" ")}; do ` +
        `/bin/busybox wget -q -O - $url; echo answer $?; done"]\n`,
    );
    expect(code, stderr).to.equal(0);
    expect(stderr.match(/server returned error: HTTP\/1.1 404 Not Found$/gm)).to.have.length(asked.length);
    expect(stderr.match(/answer 1$/gm)).to.have.length(asked.length);
  });
});

describe("a data directory that cannot be used", () => {
  const current = useCacheScene();

  it("stops the start with its name when nothing can be written there", async () => {
    const scene = current();
    await mkdir(scene.dataDir);
    await runOk("mount", ["-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", scene.dataDir]);
    try {
      const error = await startMemoBuild({ builder: scene.daemon.address, dataDir: scene.dataDir }).then(
        (memobuild) => memobuild.stop(),
        (reason: unknown) => String(reason),
      );
      expect(error).to.include("memobuild ended with 2").and.include("--data-dir").and.include("read-only file system");
    } finally {
      await runOk("umount", [scene.dataDir]);
    }
  });

  it("stops the start with its name when another MemoBuild uses it, whose builds go on", async () => {
    const scene = current();
    await scene.start();
    const error = await startMemoBuild({ builder: scene.daemon.address, dataDir: scene.dataDir }).then(
      (memobuild) => memobuild.stop(),
      (reason: unknown) => String(reason),
    );
    expect(error).to.include("memobuild ended with 2").and.include(`another memobuild uses ${scene.dataDir}`);
    await scene.buildAndExport();
    expect(await scene.exports("published")).to.equal(1);
  });
});
