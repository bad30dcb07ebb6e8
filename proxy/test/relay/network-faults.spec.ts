/** A network or builder that is slow, cut or away: a clear answer, recovery without help, and flat memory however slow the reader. */
import { expect } from "chai";
import { join } from "node:path";
import { memoryMiB } from "../support/bystander.js";
import { Cleanups } from "../support/cleanups.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import {
  callOnce,
  dialFlags,
  runTable,
  spawnPeer,
  startCall,
  startPeerServer,
  type Outcome,
  type PeerServer,
} from "../support/peer.js";
import { poll } from "../support/poll.js";
import { startTcpFaultProxy, type TcpFaultProxy } from "../support/tcp-fault-proxy.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

/** What a stalled gigabyte may add to the memory of MemoBuild. */
const BACKPRESSURE_MAX_MIB = 64;
const FLOOD_BYTES = 1 << 30;

const readyz = async (memoBuild: MemoBuild): Promise<number> => (await fetch(`${memoBuild.http}/readyz`)).status;

describe("the network to the builder", () => {
  let server: PeerServer;
  let network: TcpFaultProxy;
  let memoBuild: MemoBuild;
  let address = "";
  const cleanups = new Cleanups();

  before(async () => {
    const dir = await makeTempDir("net");
    cleanups.add(() => removeDir(dir));
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    cleanups.add(() => server.stop());
    network = await startTcpFaultProxy(server.address);
    cleanups.add(() => network.close());
    memoBuild = await startMemoBuild({ builder: network.address });
    cleanups.add(() => memoBuild.stop());
    address = `unix://${memoBuild.unixSocket}`;
  });

  after(async () => {
    await cleanups.run();
  });

  const expectUnavailable = ({ code, message }: Outcome): void => {
    expect(code).to.equal("Unavailable");
    // What follows the address is the cause.
    expect(message).to.match(new RegExp(`${network.address}: .{5,}`));
  };

  it("when cut ends running calls as UNAVAILABLE, and the next call is served", async () => {
    const calls = Array.from({ length: 3 }, () => startCall(address, [{ op: "header" }, { op: "echo" }]));
    await Promise.all(calls.map((call) => call.event("header")));
    network.cut();
    for (const call of calls) {
      const { outcome } = await call.event("end");
      expectUnavailable(outcome as Outcome);
      await call.finish();
    }
    expect(await callOnce(address)).to.include({ code: "OK" });
  });

  it("when away is told by UNAVAILABLE and readyz, until it is back", async () => {
    await poll(
      () => readyz(memoBuild),
      (status) => status === 200,
      { what: "readyz 200" },
    );
    await network.refuse();
    const refused = await callOnce(address);
    expectUnavailable(refused);
    expect(refused.message).to.include("ECONNREFUSED");
    await poll(
      () => readyz(memoBuild),
      (status) => status === 503,
      { what: "readyz 503" },
    );
    expect(await memoBuild.metrics()).to.match(/^memobuild_builder_up(\{.*\})? 0$/m);
    expect((await memoBuild.logged("builder down"))["cause"]).to.be.a("string").that.is.not.empty;
    await network.open();
    expect(await callOnce(address)).to.include({ code: "OK" });
    await poll(
      () => readyz(memoBuild),
      (status) => status === 200,
      { what: "readyz 200" },
    );
    expect(await memoBuild.metrics()).to.match(/^memobuild_builder_up(\{.*\})? 1$/m);
  });

  it("that is slow delays calls and changes nothing else", async () => {
    network.delayMs = 40;
    for (const name of ["unary", "bidirectional stream", "half-close of a tunnel brings its trailers back"]) {
      const [direct] = await runTable(server.address, { only: name });
      expect(direct).not.to.have.property("error");
      expect(await runTable(address, { only: name })).to.deep.equal([direct]);
    }
    network.delayMs = 0;
  });

  it("that stands still holds calls, and they go on when it does", async () => {
    const call = startCall(address, [{ op: "header" }, { op: "echo" }]);
    await call.event("header");
    network.pause();
    call.proceed(); // its half-close is under way, and is answered by nobody
    const other = startCall(address, [{ op: "drain" }]);
    other.proceed();
    await poll(
      () => network.connectionCount,
      (count) => count >= 2,
      { what: "the other call's connection" },
    );
    expect(call.events.map(({ event }) => event)).to.deep.equal(["header"]);
    network.resume();
    for (const running of [call, other]) {
      expect((await running.event("end"))["outcome"]).to.include({ code: "OK" });
      await running.finish();
    }
  });
});

describe("a builder that is not there yet", () => {
  it("is reported, waited for and used when it comes", async () => {
    const dir = await makeTempDir("late");
    const path = `unix://${join(dir, "peer.sock")}`;
    const memoBuild = await startMemoBuild({ builder: path });
    try {
      expect(await readyz(memoBuild)).to.equal(503);
      const { code, message } = await callOnce(memoBuild.tcp);
      expect(code).to.equal("Unavailable");
      expect(message).to.include(path).and.include("ENOENT");
      const server = await startPeerServer(path);
      expect(await callOnce(memoBuild.tcp)).to.include({ code: "OK" });
      await poll(
        () => readyz(memoBuild),
        (status) => status === 200,
        { what: "readyz 200" },
      );
      await memoBuild.logged("builder up");
      await server.stop();
    } finally {
      await memoBuild.stop();
      await removeDir(dir);
    }
  });
});

describe("backpressure", () => {
  let server: PeerServer;
  let memoBuild: MemoBuild;
  let address = "";
  let idleMiB = 0;
  const cleanups = new Cleanups();

  beforeEach(async () => {
    const dir = await makeTempDir("flow");
    cleanups.add(() => removeDir(dir));
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    cleanups.add(() => server.stop());
    memoBuild = await startMemoBuild({ builder: server.address });
    cleanups.add(() => memoBuild.stop());
    address = `unix://${memoBuild.unixSocket}`;
    await callOnce(address);
    idleMiB = memoryMiB(memoBuild.pid, "VmRSS");
  });

  afterEach(async () => {
    await cleanups.run();
  });

  const expectFlatMemory = (): void => {
    expect(memoryMiB(memoBuild.pid, "VmHWM") - idleMiB, "MiB above idle at the peak").to.be.below(BACKPRESSURE_MAX_MIB);
  };

  it("holds a 1 GiB download back at the builder while its reader stops", async () => {
    const pauseAfter = 64 << 20;
    const download = spawnPeer([
      "download",
      ...dialFlags(address),
      "--bytes",
      String(FLOOD_BYTES),
      "--pause-after",
      String(pauseAfter),
    ]);
    await download.event("paused", 60_000);
    const forwarded = async (): Promise<number> =>
      Number(/^memobuild_relay_bytes_total\{direction="to_client"\} (\d+)$/m.exec(await memoBuild.metrics())?.[1]);
    let last = -1;
    const stalled = await poll(
      forwarded,
      (bytes) => {
        const isStill = bytes === last;
        last = bytes;
        return isStill;
      },
      { what: "the flow stands still", intervalMs: 300 },
    );
    expect(stalled - pauseAfter, "bytes on their way").to.be.below(64 << 20);
    expectFlatMemory();
    expect(await callOnce(address), "another call meanwhile").to.include({ code: "OK" });
    download.proceed();
    const { outcome } = await download.event("end", 90_000);
    expect(outcome).to.include({ code: "OK" }).and.to.have.nested.property("messages.bytes", FLOOD_BYTES);
    expectFlatMemory();
    await download.finish();
  });

  it("holds a 1 GiB upload back at the client while the builder does not read", async () => {
    const upload = spawnPeer(["upload", ...dialFlags(address), "--bytes", String(FLOOD_BYTES), "--id", "gate"]);
    const sent = (): number =>
      Number(upload.events.filter(({ event }) => event === "progress").at(-1)?.["bytes"] ?? -1);
    let last = -2;
    const stalled = await poll(
      sent,
      (bytes) => {
        const isStill = bytes > 0 && bytes === last;
        last = bytes;
        return isStill;
      },
      { what: "the flow stands still", intervalMs: 500 },
    );
    expect(stalled, "bytes that left the client").to.be.below(64 << 20);
    expectFlatMemory();
    expect(await callOnce(address), "another call meanwhile").to.include({ code: "OK" });
    expect(await spawnPeer(["release", ...dialFlags(server.address), "--id", "gate"]).exited).to.equal(0);
    const { outcome, whole } = await upload.event("end", 90_000);
    expect(outcome).to.include({ code: "OK" });
    expect(whole, "every byte arrived").to.equal(true);
    expectFlatMemory();
    await upload.finish();
  });
});
