/** Calls that two real builders answer together: what one client sees of builds that ran on either. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { loadHistoryMessages } from "../../buildkit/history-messages.js";
import type { HistoryEvent, HistoryMessages, HistoryRequest } from "../../buildkit/history-messages.js";
import { CONTENT, CONTROL, LIST_WORKERS_PATH, LLB_BRIDGE } from "../../buildkit/methods.js";
import { fieldsOf } from "../../buildkit/raw-message.js";
import { digestOf, contentInfoRequest } from "../../buildkit/request-subject.js";
import { loadWorkersCodec } from "../../buildkit/workers.js";
import { addressBuilder } from "../../farm/dial.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { withBuilderClient } from "../../farm/with-builder-client.js";
import { acrossFarm } from "../../relay/across/across-farm.js";
import { WhereIs } from "../../relay/across/where-is.js";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { Cleanups } from "../support/cleanups.js";
import { runOk } from "../support/command.js";
import { farmClient } from "../support/farm-context.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const EMPTY = Buffer.alloc(0);
const never = new AbortController().signal;

describe("two builders that answer together", () => {
  const cleanups = new Cleanups();
  const daemons: Buildkitd[] = [];
  let dir = "";
  let builders: readonly FarmBuilder[] = [];
  let messages: HistoryMessages;

  before(async () => {
    messages = await loadHistoryMessages();
    const readWorkers = await loadWorkersCodec();
    dir = await makeTempDir("across");
    cleanups.add(() => removeDir(dir));
    for (const name of ["one", "two"]) {
      await mkdir(join(dir, name));
      const daemon = await startBuildkitd(join(dir, name));
      cleanups.add(() => daemon.stop());
      daemons.push(daemon);
    }
    builders = await Promise.all(daemons.map((daemon, index) => farmBuilder(daemon, `builder-${index}`, readWorkers)));
    // In turn, so that the history of each builder has gaps that the other fills.
    for (const [name, on] of [
      ["a", 0],
      ["b", 1],
      ["c", 0],
      ["d", 1],
      ["e", 0],
    ] as const)
      await build(name, on);
  });

  after(() => cleanups.run());

  const farmBuilder = async (
    { address }: Buildkitd,
    name: string,
    readWorkers: Awaited<ReturnType<typeof loadWorkersCodec>>,
  ): Promise<FarmBuilder> => {
    const builder = addressBuilder({ kind: "unix", path: address.replace("unix://", "") });
    const workers = await withBuilderClient(builder, never, (client) =>
      client.unary(LIST_WORKERS_PATH, EMPTY, { signal: never }),
    );
    const health = { state: "up", workers: readWorkers(workers), sinceMs: 0 } as const;
    return { ...builder, name, origin: "configured", isDraining: false, pong: undefined, health };
  };

  const build = async (name: string, on: number): Promise<void> => {
    const context = join(dir, name);
    await writeFiles(context, { Dockerfile: "FROM scratch\nCOPY file /\n", file: `of ${name}, for builder ${on}` });
    const local = ["--local", `context=${context}`, "--local", `dockerfile=${context}`];
    const provenance = ["--opt", "attest:provenance=mode=max"];
    const output = ["-o", `type=oci,dest=${join(dir, `${name}.tar`)}`];
    const { address = "" } = daemons[on] ?? {};
    await runOk("buildctl", [
      "--addr",
      address,
      "build",
      "--frontend",
      "dockerfile.v0",
      ...local,
      ...provenance,
      ...output,
    ]);
  };

  const whereIs = (): WhereIs => new WhereIs({ messages, recorded: () => Promise.resolve(undefined) });

  const call = async (path: string, request: Uint8Array = EMPTY, find = whereIs()): Promise<Buffer[]> => {
    const client = farmClient(builders);
    await acrossFarm({ whereIs: find, messages })(path)?.(Buffer.from(request), client);
    return client.received;
  };

  const history = async (query: Partial<HistoryRequest>, find = whereIs()): Promise<HistoryEvent[]> => {
    const request = messages.request.encode({ earlyExit: true, ...query });
    return (await call(CONTROL.listenBuildHistory, request, find)).map((event) => messages.readEvent(event));
  };

  /** The same from one builder alone. */
  const refsOn = async (on: number, query: Partial<HistoryRequest> = {}): Promise<string[]> => {
    const refs: string[] = [];
    const request = messages.request.encode({ earlyExit: true, ...query });
    const [builder] = builders.slice(on);
    if (builder === undefined) return [];
    await withBuilderClient(builder, never, (client) =>
      client.serverStream(CONTROL.listenBuildHistory, request, { signal: never }, (event) => {
        refs.push(messages.readEvent(event).ref);
      }),
    );
    return refs;
  };

  const entries = (message: Buffer | undefined): number => (message === undefined ? 0 : [...fieldsOf(message)].length);

  it("list their workers, the first builder's first", async () => {
    const [answer = EMPTY] = await call(LIST_WORKERS_PATH);
    const read = await loadWorkersCodec();
    expect(entries(answer)).to.equal(2);
    const { health } = builders[0] ?? {};
    expect(health?.state === "up" && read(answer).id === health.workers.id).to.equal(true);
    expect(await call(CONTROL.info)).to.have.length(1);
  });

  it("tell all builds, and of a limit the latest", async () => {
    const all = await history({});
    const [one, two] = [await refsOn(0), await refsOn(1)];
    expect([one.length, two.length]).to.deep.equal([3, 2]);
    expect(all.map(({ ref }) => ref)).to.have.members([...one, ...two]);
    const latestFirst = [...all].sort(
      (a, b) => b.createdAt.seconds - a.createdAt.seconds || b.createdAt.nanos - a.createdAt.nanos,
    );
    const latest = (await history({ limit: 3 })).map(({ ref }) => ref);
    expect(latest).to.deep.equal(latestFirst.slice(0, 3).map(({ ref }) => ref));
    // e and c ran on the first builder, d on the other.
    expect(latest.map((ref) => one.includes(ref))).to.deep.equal([true, false, true]);
    expect(await history({ filter: ["status==error"] })).to.be.empty;
  });

  it("find a build by its ref, and end well where nobody knows it", async () => {
    const [ref = ""] = await refsOn(1);
    expect((await history({ ref })).map((event) => event.ref)).to.deep.equal([ref]);
    expect(await history({ ref: "n0such0ref" })).to.be.empty;
    const find = whereIs();
    expect((await find.ref(ref, builders, never))?.name).to.equal("builder-1");
    expect(await find.ref("n0such0ref", builders, never)).to.equal(undefined);
    // The progress of a build that has ended comes from the builder that was found.
    const builder = await find.ref(ref, builders, never);
    const seen: Buffer[] = [];
    if (builder !== undefined)
      await withBuilderClient(builder, never, (client) =>
        client.serverStream(CONTROL.status, statusRequest(ref), { signal: never }, (message) => seen.push(message)),
      );
    expect(seen).to.not.be.empty;
  });

  it("are found by the digest of what they keep, noted or asked for", async () => {
    const find = whereIs();
    const events = await history({}, find);
    expect(events.every(({ digests }) => digests.length >= 2)).to.equal(true);
    const owner = new Map<string, string>();
    for (const on of [0, 1]) for (const ref of await refsOn(on)) owner.set(ref, `builder-${on}`);
    for (const { ref, digests } of events) {
      const [digest = ""] = digests;
      expect(digestOf(CONTENT.info, Buffer.from(contentInfoRequest(digest)))).to.equal(digest);
      expect((await find.digest(digest, builders, never))?.name).to.equal(owner.get(ref));
      expect((await whereIs().digest(digest, builders, never))?.name).to.equal(owner.get(ref));
    }
    expect(await find.digest(`sha256:${"0".repeat(64)}`, builders, never)).to.equal(undefined);
    expect(await call(CONTENT.list)).to.not.be.empty;
  });

  it("follow builds on both until the client leaves", async () => {
    const client = farmClient(builders);
    const request = messages.request.encode({ activeOnly: true });
    const listening = acrossFarm({ whereIs: whereIs(), messages })(CONTROL.listenBuildHistory)?.(request, client);
    const ended = Promise.resolve(listening).catch((error: unknown) => error);
    expect(client.responses.flat()[0]).to.equal("buildkit-current-timestamp");
    await build("f", 1);
    await build("g", 0);
    const types = (): number[] => client.received.map((event) => messages.readEvent(event).type);
    await poll(types, (seen) => seen.filter((type) => type === 0).length >= 2 && seen.includes(1), {
      what: "both builds are told",
    });
    client.leave();
    await ended;
  });

  it("remove a build where it is", async () => {
    const [ref = ""] = await refsOn(1);
    const find = whereIs();
    await history({}, find);
    await call(CONTROL.updateBuildHistory, Buffer.concat([statusRequest(ref), Buffer.from([0x18, 1])]), find);
    expect(await refsOn(1)).to.not.include(ref);
    expect((await history({})).map((event) => event.ref)).to.not.include(ref);
  });

  it("remove a build that nobody has told of", async () => {
    const [ref = ""] = await refsOn(1);
    const update = Buffer.concat([statusRequest(ref), Buffer.from([0x18, 1])]);
    await call(CONTROL.updateBuildHistory, update);
    expect(await refsOn(1)).to.not.include(ref);
  });

  it("tell their disk use, and prune", async () => {
    const [usage] = await call(CONTROL.diskUsage);
    expect(entries(usage)).to.be.greaterThan(4);
    const pruned = await call(CONTROL.prune, Buffer.from([0x10, 1]));
    expect(pruned.length).to.be.greaterThan(4);
    const [left] = await call(CONTROL.diskUsage);
    expect(entries(left)).to.equal(0);
  });

  it("answer alone where a call is not for all", () => {
    expect(acrossFarm({ whereIs: whereIs(), messages })(LLB_BRIDGE.ping)).to.equal(undefined);
  });
});

/** Of StatusRequest and UpdateBuildHistoryRequest alike: Ref is field 1. */
const statusRequest = (ref: string): Buffer => Buffer.from(contentInfoRequest(ref));
