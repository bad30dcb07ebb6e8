/** How `memobuild serve` starts and ends: each mistake is one clear line and exit code 2, and running calls may finish. */
import { expect } from "chai";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { makeCertificates } from "../support/certificates.js";
import { Cleanups } from "../support/cleanups.js";
import { run } from "../support/command.js";
import { memoBuildCommand, startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { callOnce, startCall, startPeerServer, type PeerProcess, type PeerServer } from "../support/peer.js";
import { poll, within } from "../support/poll.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

describe("a mistake in the configuration", () => {
  let dir = "";
  let takenPort = 0;
  const cleanups = new Cleanups();

  before(async () => {
    dir = await makeTempDir("conf");
    cleanups.add(() => removeDir(dir));
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    takenPort = (taken.address() as AddressInfo).port;
    cleanups.add(async () => {
      taken.close();
      await once(taken, "close");
    });
    await writeFile(join(dir, "garbage.pem"), "this is no certificate\n");
    await writeFile(join(dir, "bad.yaml"), "listen: [unix:///a\nbuilder: {");
    await writeFile(join(dir, "unknown.yaml"), "lisen: unix:///a\n");
    await makeCertificates(dir);
  });

  after(() => cleanups.run());

  interface Refusal {
    readonly code: number;
    readonly complaints: readonly string[];
  }

  /** Runs serve with a socket and a data directory of its own, which must not come into being. */
  const refuse = async (args: readonly string[], base: Readonly<Record<string, string>> = {}): Promise<Refusal> => {
    const options: Record<string, string> = {
      builder: `unix://${join(dir, "no-builder.sock")}`,
      listen: `unix://${join(dir, "m.sock")}`,
      http: "127.0.0.1:0",
      "data-dir": join(dir, "data"),
      "log-level": "error",
      ...base,
    };
    const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
    const [command, rest] = memoBuildCommand(["serve", ...given, ...args]);
    await removeDir(join(dir, "data"));
    const { code, stderr } = await run(command, rest);
    expect(existsSync(join(dir, "m.sock")), "a socket is left").to.equal(false);
    return { code, complaints: stderr.trimEnd().split("\n") };
  };

  const rows: Readonly<
    Record<string, readonly [args: () => string[], base: () => Record<string, string>, complaint: RegExp]>
  > = {
    "a taken port": [
      () => ["--listen", `tcp://127.0.0.1:${takenPort}`],
      () => ({}),
      /--listen: .*tcp:\/\/127\.0\.0\.1:\d+.*EADDRINUSE/,
    ],
    "a taken HTTP port": [() => [], () => ({ http: `127.0.0.1:${takenPort}` }), /--http: .*EADDRINUSE/],
    "a socket path too long": [
      () => [],
      () => ({ listen: `unix:///tmp/${"x".repeat(150)}` }),
      /--listen: .*155 bytes.*107/,
    ],
    "a socket where no folder can be": [
      () => [],
      () => ({ listen: "unix:///dev/null/m.sock" }),
      /--listen: .*\/dev\/null\/m\.sock/,
    ],
    "a data directory that cannot be": [
      () => [],
      () => ({ "data-dir": "/dev/null/data" }),
      /--data-dir: .*\/dev\/null/,
    ],
    "a certificate that is none": [
      () => [
        "--tls-cert",
        join(dir, "garbage.pem"),
        "--tls-key",
        join(dir, "server.key"),
        "--listen",
        "tcp://127.0.0.1:0",
      ],
      () => ({}),
      /--tls-(cert|key): .*garbage\.pem/,
    ],
    "a certificate that is missing": [
      () => [
        "--tls-cert",
        join(dir, "none.pem"),
        "--tls-key",
        join(dir, "server.key"),
        "--listen",
        "tcp://127.0.0.1:0",
      ],
      () => ({}),
      /--tls-cert: .*none\.pem.*ENOENT/,
    ],
    "a key of another certificate": [
      () => [
        "--tls-cert",
        join(dir, "server.crt"),
        "--tls-key",
        join(dir, "client.key"),
        "--listen",
        "tcp://127.0.0.1:0",
      ],
      () => ({}),
      /--tls-(cert|key): /,
    ],
    "a certificate without its key": [
      () => ["--tls-cert", join(dir, "server.crt")],
      () => ({}),
      /--tls-cert: .*--tls-key/,
    ],
    "a configuration file that is missing": [
      () => ["--config", join(dir, "none.yaml")],
      () => ({}),
      /--config: .*none\.yaml.*ENOENT/,
    ],
    "an unknown name in the file": [
      () => ["--config", join(dir, "unknown.yaml")],
      () => ({}),
      /unknown\.yaml.*lisen.*listen/,
    ],
    "an unknown option": [() => ["--listten", "x"], () => ({}), /--listten: unknown option, did you mean --listen\?/],
    "a public address without TLS": [
      () => [],
      () => ({ listen: "tcp://0.0.0.0:0" }),
      /--listen: .*--tls-cert.*--insecure-listen/,
    ],
  };

  for (const [name, [args, base, complaint]] of Object.entries(rows)) {
    it(`${name} is one line and exit code 2`, async () => {
      const { code, complaints } = await refuse(args(), base());
      expect(complaints).to.have.length(1);
      expect(complaints[0]).to.match(complaint);
      expect(code).to.equal(2);
    });
  }

  it("in YAML tells file and line", async () => {
    const { code, complaints } = await refuse(["--config", join(dir, "bad.yaml")]);
    expect(code).to.equal(2);
    for (const complaint of complaints) expect(complaint).to.match(/bad\.yaml:\d+: /);
  });

  it("is told together with all others, and nothing is made", async () => {
    const { code, complaints } = await refuse(["--log-format", "xml", "--nope"], {
      builder: "nothing",
      listen: "ftp://x",
    });
    expect(code).to.equal(2);
    expect(complaints).to.have.length(4);
    for (const name of ["--log-format", "--nope", "--builder", "--listen"]) {
      expect(complaints.filter((complaint) => complaint.includes(`${name}: `))).to.have.length(1);
    }
    expect(existsSync(join(dir, "data"))).to.equal(false);
  });
});

describe("the end", () => {
  let dir = "";
  let server: PeerServer;
  let memoBuild: MemoBuild;
  let call: PeerProcess;
  const cleanups = new Cleanups();

  /** MemoBuild with one call under way. */
  const begin = async (...args: string[]): Promise<void> => {
    memoBuild = await startMemoBuild({ builder: server.address, args });
    call = startCall(memoBuild.tcp, [{ op: "header" }, { op: "echo" }]);
    await call.event("header");
  };

  beforeEach(async () => {
    dir = await makeTempDir("stop");
    cleanups.add(() => removeDir(dir));
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    cleanups.add(() => server.stop());
    cleanups.add(() => call.finish());
    cleanups.add(() => memoBuild.stop().catch(() => 0)); // the test has looked at the exit code
  });

  afterEach(() => cleanups.run());

  const outcomeOf = async (process: PeerProcess): Promise<unknown> => (await process.event("end"))["outcome"];

  it("by SIGTERM takes no new clients, lets the running call finish, and is exit code 0", async () => {
    await begin();
    memoBuild.signal("SIGTERM");
    await memoBuild.logged("draining");
    await poll(
      async () => (await callOnce(memoBuild.tcp)).code,
      (code) => code === "Unavailable",
      { what: "new clients are refused" },
    );
    expect(existsSync(memoBuild.unixSocket), "the socket file").to.equal(false);
    expect(
      call.events.some(({ event }) => event === "end"),
      "the running call was cut",
    ).to.equal(false);
    call.proceed();
    expect(await outcomeOf(call)).to.include({ code: "OK" });
    // The client stays connected, as buildx does between two calls: GOAWAY makes it leave.
    expect(await within(memoBuild.exited, 10_000, "the exit")).to.equal(0);
  });

  it("by SIGINT is the same", async () => {
    await begin();
    memoBuild.signal("SIGINT");
    await memoBuild.logged("draining");
    call.proceed();
    expect(await outcomeOf(call)).to.include({ code: "OK" });
    expect(await within(memoBuild.exited, 10_000, "the exit")).to.equal(0);
  });

  it("by a second signal comes at once", async () => {
    await begin();
    memoBuild.signal("SIGTERM");
    await memoBuild.logged("draining");
    memoBuild.signal("SIGTERM");
    await within(memoBuild.exited, 3_000, "the exit");
    expect(await outcomeOf(call)).to.include({ code: "Unavailable" });
  });

  it("comes after --drain-timeout, whatever runs", async () => {
    await begin("--drain-timeout", "1s");
    const asked = performance.now();
    memoBuild.signal("SIGTERM");
    await within(memoBuild.exited, 5_000, "the exit");
    expect(performance.now() - asked, "ms").to.be.above(900);
    expect(await outcomeOf(call)).to.include({ code: "Unavailable" });
  });
});
