/** Promises of the history of all builders: which builds, in which order, and how long it lasts. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { loadHistoryMessages } from "../../buildkit/history-messages.js";
import type { HistoryEvent, HistoryMessages, HistoryRequest } from "../../buildkit/history-messages.js";
import { CONTROL } from "../../buildkit/methods.js";
import { fakeDaemon } from "../../test/support/fake-daemons.js";
import type { FakeCall, FakeDaemon } from "../../test/support/fake-daemons.js";
import { farmClient } from "../../test/support/farm-context.js";
import type { FarmClient } from "../../test/support/farm-context.js";
import { poll } from "../../test/support/poll.js";
import { listenBuildHistory } from "./history.js";

const STARTED = 0;
const COMPLETE = 1;

/** BuildHistoryEvent{type, record: {Ref, CreatedAt, logs: {digest}}}. */
const event = (type: number, ref: string, seconds: number, nanos = 0): Uint8Array => {
  const createdAt = protobuf.Writer.create().uint32(8).int64(seconds).uint32(16).int32(nanos).finish();
  const logs = protobuf.Writer.create().uint32(18).string(`sha256:${ref}`).finish();
  const record = protobuf.Writer.create().uint32(10).string(ref).uint32(50).bytes(createdAt).uint32(66).bytes(logs);
  return protobuf.Writer.create().uint32(8).int32(type).uint32(18).bytes(record.finish()).finish();
};

describe("listenBuildHistory", () => {
  let messages: HistoryMessages;
  let farm: readonly [FakeDaemon, FakeDaemon];
  let passed: (readonly [string, HistoryEvent])[] = [];

  before(async () => {
    messages = await loadHistoryMessages();
  });

  beforeEach(() => {
    farm = [fakeDaemon("one"), fakeDaemon("two")];
    passed = [];
  });

  const listen = (client: FarmClient, query: Partial<HistoryRequest>): Promise<void> =>
    listenBuildHistory({ messages, onEvent: (seen, { name }) => passed.push([name, seen]) })(
      messages.request.encode(query),
      client,
    );

  const answering = (daemon: FakeDaemon, answer: (call: FakeCall) => void): void => {
    daemon.answers.set(CONTROL.listenBuildHistory, answer);
  };

  const telling =
    (...events: readonly Uint8Array[]): ((call: FakeCall) => void) =>
    (call) => {
      call.send(...events);
      call.end();
    };

  const newClient = (): FarmClient => farmClient(farm.map(({ builder }) => builder));
  const refs = ({ received }: FarmClient): string[] => received.map((message) => messages.readEvent(message).ref);

  it("sends the time before any builder answers", () => {
    const client = newClient();
    const ended = listen(client, { earlyExit: true }).catch(() => undefined); // nobody answers
    const [name = "", time = ""] = client.responses.flat();
    expect(name).to.equal("buildkit-current-timestamp");
    expect(Math.abs(Date.parse(time) - Date.now())).to.be.lessThan(10_000);
    return ended;
  });

  it("tells the latest of all builders up to the limit, and builds that run before them", async () => {
    answering(farm[0], telling(event(STARTED, "runs", 1), event(COMPLETE, "c", 30), event(COMPLETE, "a", 10)));
    answering(farm[1], telling(event(COMPLETE, "d", 30, 5), event(COMPLETE, "b", 20)));
    const client = newClient();
    await listen(client, { earlyExit: true, limit: 3 });
    expect(refs(client)).to.deep.equal(["runs", "d", "c", "b"]);
    expect(client.received[1]?.equals(event(COMPLETE, "d", 30, 5))).to.equal(true);
  });

  it("tells everything where there is no limit, and of whose it is", async () => {
    answering(farm[0], telling(event(COMPLETE, "a", 10)));
    answering(farm[1], telling(event(COMPLETE, "b", 20)));
    const client = newClient();
    await listen(client, { earlyExit: true });
    expect(refs(client)).to.have.members(["a", "b"]);
    const seen = passed.map(([name, { ref, digests }]) => [name, ref, ...digests]);
    expect(seen).to.have.deep.members([
      ["one", "a", "sha256:a"],
      ["two", "b", "sha256:b"],
    ]);
  });

  it("ends with nothing where no builder knows the ref", async () => {
    for (const daemon of farm) answering(daemon, telling());
    const client = newClient();
    await listen(client, { earlyExit: true, ref: "unknown" });
    expect(client.received).to.be.empty;
  });

  it("does without a builder that fails", async () => {
    answering(farm[0], telling(event(COMPLETE, "a", 10)));
    farm[1].die();
    const client = newClient();
    await listen(client, { earlyExit: true, limit: 5 });
    expect(refs(client)).to.deep.equal(["a"]);
  });

  it("ends its call to a builder that does not answer, and asks it anew when it is back", async () => {
    const calls: FakeCall[] = [];
    answering(farm[0], (call) => calls.push(call));
    let current = [farm[0].builder];
    const client = { ...newClient(), current: () => current };
    const ended = listen(client, { activeOnly: true });
    await poll(
      () => calls.length,
      (count) => count === 1,
      { what: "it is asked", timeoutMs: 1_000 },
    );
    current = [];
    await poll(
      () => farm[0].cancelled,
      (count) => count === 1,
      { what: "its call is ended", timeoutMs: 2_000 },
    );
    current = [farm[0].builder];
    await poll(
      () => calls.length,
      (count) => count === 2,
      { what: "it is asked anew", timeoutMs: 2_000 },
    );
    client.leave();
    await ended;
  }).timeout(5_000);

  it("ends all its calls when a builder does not take the request", async () => {
    answering(farm[0], () => undefined);
    answering(farm[1], (call) => {
      call.end("INVALID_ARGUMENT", "no such filter");
    });
    const failure: unknown = await listen(newClient(), { activeOnly: true }).catch((error: unknown) => error);
    expect(failure).to.include({ code: "INVALID_ARGUMENT", statusMessage: "no such filter" });
    await poll(
      () => farm[0].connections.size,
      (count) => count === 0,
      { what: "the other call is ended", timeoutMs: 1_000 },
    );
  });

  it("goes on when a builder is lost, until the client leaves", async () => {
    const calls: FakeCall[] = [];
    for (const daemon of farm) answering(daemon, (call) => calls.push(call));
    const client = newClient();
    const ended = listen(client, { activeOnly: true });
    await poll(
      () => calls.length,
      (count) => count === 2,
      { what: "both are asked", timeoutMs: 1_000 },
    );
    calls[0]?.send(event(STARTED, "a", 1));
    calls[1]?.send(event(STARTED, "b", 2));
    await poll(
      () => refs(client),
      (seen) => seen.length === 2,
      { what: "both are told", timeoutMs: 1_000 },
    );
    farm[0].die();
    calls[1]?.send(event(COMPLETE, "b", 2));
    await poll(
      () => refs(client),
      (seen) => seen.length === 3,
      { what: "the rest goes on", timeoutMs: 1_000 },
    );
    client.leave();
    await ended;
    await poll(
      () => farm[1].cancelled,
      (count) => count === 1,
      { what: "the builder hears of it", timeoutMs: 1_000 },
    );
  });
});
