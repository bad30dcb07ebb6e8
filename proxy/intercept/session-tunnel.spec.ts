/** Promises of the session's call: its builds learn which files were sent, and the call learns nothing of it. */
import { expect } from "chai";
import { Registry } from "prom-client";
import { loadBuildMessages, type BuildMessages } from "../buildkit/build-messages.js";
import { loadDefinitionReader, type ReadDefinition } from "../buildkit/definition.js";
import type { FileTransfer } from "../buildkit/tunnel/file-transfer.js";
import type { RecordedBuild } from "../builds/recording.js";
import type { Builder } from "../farm/builder.js";
import { createLogger } from "../log/create-logger.js";
import type { Interception } from "../relay/interception.js";
import { DIFF_COPY, FINISH, packet, request, TunnelScript, type Passing } from "../test/support/tunnel-bytes.js";
import { ClientBuilds } from "./client-builds.js";
import { Guard } from "./guard.js";
import { harmlessRecord } from "./harmless-record.js";
import { interceptSession } from "./session-tunnel.js";
import { TrackedBuild } from "./tracked-build.js";

const headersOf = (id: string, sharedKey = "folder:client"): string[] => [
  ...["x-docker-expose-session-uuid", id],
  ...["x-docker-expose-session-sharedkey", sharedKey],
];

/** One folder with one file, which the builder has already. */
const folder = (name: string): TunnelScript =>
  new TunnelScript()
    .call(1, DIFF_COPY, [["dir-name", name]])
    .answer(1)
    .send("client", 1, packet({ stat: { path: "a", mode: 0o644, size: 3 } }), packet({}))
    .send("builder", 1, FINISH)
    .send("client", 1, FINISH);

const NO_BUILDER: Builder = { address: "unix:///b.sock", dial: () => Promise.reject(new Error("there is no builder")) };

describe("interceptSession", () => {
  let messages: BuildMessages;
  let readDefinition: ReadDefinition;
  let registry: Registry;
  let client: ClientBuilds;
  let guard: Guard;
  let lines: string[];
  /** Shared keys that came with transfers. */
  let told: string[];

  before(async () => {
    [messages, readDefinition] = await Promise.all([loadBuildMessages(), loadDefinitionReader()]);
  });
  beforeEach(() => {
    [registry, lines, told] = [new Registry(), [], []];
    guard = new Guard(
      registry,
      createLogger({ level: "warn", format: "json", stream: { write: (line: string) => lines.push(line) } }),
    );
    client = new ClientBuilds({
      sharing: undefined,
      recorder: { begin: () => undefined },
      ...{ hashKey: Buffer.alloc(32), messages, readDefinition, guard, now: () => 0 },
    });
  });

  /** A build that is told of files of these sessions; what it was told. */
  const addBuild = (ref: string, sessions: readonly string[], fail = (): void => undefined): FileTransfer[] => {
    const transfers: FileTransfer[] = [];
    const nothing = (): void => undefined;
    const record: RecordedBuild = {
      sessions: new Set(sessions),
      transferred: (transfer, sharedKey) => {
        fail();
        transfers.push(transfer);
        told.push(sharedKey);
      },
      ...{ solving: nothing, statusBegan: nothing, status: nothing, statusEnded: nothing, defined: nothing },
      ...{ imported: nothing, fetched: nothing, held: nothing, moved: nothing, ended: nothing, exported: nothing },
    };
    const solve = messages.solveRequest.decode(messages.solveRequest.encode({ ref, session: sessions[0] ?? "" }));
    client.builds.set(
      ref,
      new TrackedBuild(
        solve,
        NO_BUILDER,
        undefined,
        harmlessRecord(guard, () => record),
      ),
    );
    return transfers;
  };
  const session = (headers: readonly string[]): Interception => {
    const interception = interceptSession(client, headers);
    if (interception === undefined) throw new Error("it is only forwarded");
    return interception;
  };
  const pass = ({ observeBytes }: Interception, passed: readonly Passing[]): void => {
    for (const { bytes, from } of passed) {
      const piece = Buffer.from(bytes);
      if (from === "client") observeBytes?.fromClient(piece);
      else observeBytes?.fromBuilder(piece);
      expect(piece.equals(bytes)).to.equal(true);
    }
  };
  const failures = async (): Promise<number> => {
    const metric = await registry.getSingleMetric("memobuild_intercept_failures_total")?.get();
    return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  };

  it("tells of the files that were sent to the builds of the session, and to no others", () => {
    const [own, sharing, other] = [addBuild("own", ["s"]), addBuild("sharing", ["t", "s"]), addBuild("other", ["t"])];
    pass(session(headersOf("s")), folder("context").end(1).passed);
    for (const transfers of [own, sharing]) {
      expect(transfers.map(({ name }) => name)).to.deep.equal(["context"]);
      expect(transfers[0]?.files.map(({ path }) => path)).to.deep.equal(["a"]);
      expect(transfers[0]?.isComplete).to.equal(true);
    }
    expect(other).to.deep.equal([]);
    expect(told).to.deep.equal(["folder:client", "folder:client"]);
  });

  it("tells of a transfer that broke off with its session", async () => {
    const transfers = addBuild("own", ["s"]);
    const call = session(headersOf("s"));
    const script = new TunnelScript().call(1, DIFF_COPY, [["dir-name", "context"]]).answer(1);
    pass(call, script.send("client", 1, packet({ stat: { path: "a" } })).send("builder", 1, request(0)).passed);
    expect(transfers).to.deep.equal([]);
    call.ended?.("CANCELLED", "");
    expect(transfers.map(({ isComplete }) => isComplete)).to.deep.equal([false]);
    expect(await failures()).to.equal(0);
  });

  it("remembers whose the session is, as long as it lasts", () => {
    const call = session(headersOf("s", "shop:laptop"));
    expect([...client.sharedKeys]).to.deep.equal([["s", "shop:laptop"]]);
    call.ended?.("OK", "");
    expect(client.sharedKeys.size).to.equal(0);
  });

  it("only forwards a session without id, a second one of the same id, and those beyond a limit", () => {
    expect(interceptSession(client, [])).to.equal(undefined);
    session(headersOf("s"));
    expect(interceptSession(client, headersOf("s", "other:client"))).to.equal(undefined);
    expect(client.sharedKeys.get("s")).to.equal("folder:client");
    for (let n = 1; n < 1_000; n++) session(headersOf(`session ${n}`));
    expect(interceptSession(client, headersOf("one more"))).to.equal(undefined);
  });

  it("counts a session that cannot be read along, once, and logs the first", async () => {
    const transfers = addBuild("own", ["s"]);
    for (const id of ["s", "t"]) {
      const call = session(headersOf(id));
      pass(call, [{ from: "client", bytes: Buffer.alloc(1_000, 0xff) }, ...folder("context").end(1).passed]);
      call.ended?.("OK", "");
    }
    expect([await failures(), lines.length]).to.deep.equal([2, 1]);
    expect(transfers).to.deep.equal([]);
  });

  it("goes on to read for all builds when the recorder of one fails", async () => {
    const fail = (): void => {
      throw new Error("our fault");
    };
    const [failing, well] = [addBuild("failing", ["s"], fail), addBuild("well", ["s"])];
    const call = session(headersOf("s"));
    pass(call, folder("context").end(1).passed);
    call.ended?.("OK", "");
    expect([failing.length, well.length, await failures()]).to.deep.equal([0, 1, 1]);
  });
});
