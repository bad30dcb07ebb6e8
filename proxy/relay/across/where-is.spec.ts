/** Promises of finding a build or a blob: what is remembered, what is asked, and what is left alone. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { loadHistoryMessages } from "../../buildkit/history-messages.js";
import type { HistoryMessages } from "../../buildkit/history-messages.js";
import { CONTENT, CONTROL } from "../../buildkit/methods.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { fakeDaemon } from "../../test/support/fake-daemons.js";
import type { FakeDaemon } from "../../test/support/fake-daemons.js";
import { poll } from "../../test/support/poll.js";
import { WhereIs } from "./where-is.js";

const never = new AbortController().signal;

/** BuildHistoryEvent of a build that has ended, with a log. */
const event = (ref: string, digest: string): Buffer => {
  const logs = protobuf.Writer.create().uint32(18).string(digest).finish();
  const record = protobuf.Writer.create().uint32(10).string(ref).uint32(66).bytes(logs).finish();
  return Buffer.from(protobuf.Writer.create().uint32(8).int32(1).uint32(18).bytes(record).finish());
};

describe("WhereIs", () => {
  let messages: HistoryMessages;
  let farm: readonly [FakeDaemon, FakeDaemon];
  let builders: readonly FarmBuilder[] = [];
  let recorded: (ref: string) => Promise<string | undefined>;
  let whereIs: WhereIs;

  before(async () => {
    messages = await loadHistoryMessages();
  });

  beforeEach(() => {
    farm = [fakeDaemon("one"), fakeDaemon("two")];
    builders = farm.map(({ builder }) => builder);
    recorded = () => Promise.resolve(undefined);
    whereIs = new WhereIs({ messages, recorded: (ref) => recorded(ref) });
  });

  /** Its history, told whatever is asked for. */
  const has = ({ answers }: FakeDaemon, ref: string): void => {
    answers.set(CONTROL.listenBuildHistory, (call) => {
      call.send(event(ref, "sha256:1"));
      call.end();
    });
  };
  const calls = (): readonly string[] => farm.flatMap((daemon) => daemon.calls);
  const nameOf = (builder: FarmBuilder | undefined): string | undefined => builder?.name;

  it("asks nobody for what it was told, by placement or by a history that passed", async () => {
    whereIs.noteRef("r1", "unix:///two.sock");
    whereIs.noteHistory(event("r2", "sha256:a"), "unix:///one.sock");
    expect(nameOf(await whereIs.ref("r1", builders, never))).to.equal("two");
    expect(nameOf(await whereIs.ref("r2", builders, never))).to.equal("one");
    expect(nameOf(await whereIs.digest("sha256:a", builders, never))).to.equal("one");
    expect(calls()).to.be.empty;
  });

  it("looks into our own record before it asks", async () => {
    recorded = (ref) => Promise.resolve(ref === "r1" ? "unix:///two.sock" : undefined);
    expect(nameOf(await whereIs.ref("r1", builders, never))).to.equal("two");
    expect(calls()).to.be.empty;
  });

  it("asks all, by a filter, and remembers who has it", async () => {
    const filters: string[][] = [];
    has(farm[1], "r1");
    farm[0].answers.set(CONTROL.listenBuildHistory, (call) => {
      filters.push([...messages.request.decode(call.request).filter]);
      // A build that runs is told whatever the filter says.
      call.send(event("another", "sha256:2"));
      call.end();
    });
    recorded = () => Promise.reject(new Error("no database"));
    expect(nameOf(await whereIs.ref("r1", builders, never))).to.equal("two");
    expect(filters).to.deep.equal([["ref==r1"]]);
    const asked = calls().length;
    expect(nameOf(await whereIs.ref("r1", builders, never))).to.equal("two");
    expect(calls()).to.have.length(asked);
  });

  it("asks by the ref itself where a filter cannot hold it", async () => {
    const asked: string[] = [];
    farm[0].answers.set(CONTROL.listenBuildHistory, (call) => {
      asked.push(messages.request.decode(call.request).ref);
      call.send(event('a "b"', "sha256:1"));
      call.end();
    });
    expect(nameOf(await whereIs.ref('a "b"', builders, never))).to.equal("one");
    expect(asked).to.deep.equal(['a "b"']);
  });

  it("takes the first that has a blob, and cancels the others", async () => {
    farm[0].answers.set(CONTENT.info, () => undefined);
    farm[1].answers.set(CONTENT.info, (call) => {
      call.send(Buffer.alloc(0));
      call.end();
    });
    expect(nameOf(await whereIs.digest("sha256:b", builders, never))).to.equal("two");
    await poll(
      () => farm[0].connections.size,
      (open) => open === 0,
      { what: "the other ends", timeoutMs: 1_000 },
    );
  });

  it("finds nothing where nobody has it, or nobody can say so", async () => {
    farm[0].answers.set(CONTENT.info, (call) => {
      call.end("NOT_FOUND", "no such blob");
    });
    farm[1].die();
    expect(await whereIs.digest("sha256:b", builders, never)).to.equal(undefined);
    expect(await whereIs.ref("r1", builders, never)).to.equal(undefined);
    expect(await whereIs.ref("r1", builders, AbortSignal.abort())).to.equal(undefined);
  });

  it("asks the others where the builder that it remembers is not there", async () => {
    whereIs.noteRef("r1", "unix:///gone.sock");
    has(farm[0], "r1");
    expect(nameOf(await whereIs.ref("r1", builders, never))).to.equal("one");
  });
});
