/** Promises of the calls that all builders answer together, by what one client gets of them. */
import { expect } from "chai";
import protobuf from "protobufjs";
import { loadHistoryMessages } from "../../buildkit/history-messages.js";
import type { HistoryMessages } from "../../buildkit/history-messages.js";
import { CONTENT, CONTROL, LIST_WORKERS_PATH, LLB_BRIDGE } from "../../buildkit/methods.js";
import { fieldsOf } from "../../buildkit/raw-message.js";
import { GrpcError } from "../../grpc/grpc-client.js";
import { headerValue } from "../../grpc/http2/header-list.js";
import { fakeDaemon } from "../../test/support/fake-daemons.js";
import type { FakeDaemon } from "../../test/support/fake-daemons.js";
import { farmClient } from "../../test/support/farm-context.js";
import type { FarmClient } from "../../test/support/farm-context.js";
import { acrossFarm } from "./across-farm.js";
import type { FarmCall } from "./farm-call.js";
import { WhereIs } from "./where-is.js";

/** A list's entry {1: text}, in field 1, and a field 999 that nobody knows. */
const listOf = (...texts: readonly string[]): Buffer => {
  const writer = protobuf.Writer.create();
  for (const text of texts) {
    const entry = protobuf.Writer.create().uint32(10).string(text).finish();
    writer.uint32(10).bytes(entry);
  }
  return Buffer.from(
    writer
      .uint32(999 << 3)
      .uint32(7)
      .finish(),
  );
};

const textsOf = (message: Buffer | undefined): string[] =>
  [...fieldsOf(message ?? Buffer.alloc(0))].flatMap(({ number, content }) =>
    number === 1 && content !== undefined ? [...fieldsOf(content)].map((field) => String(field.content)) : [],
  );

const EMPTY = Buffer.alloc(0);

describe("acrossFarm", () => {
  let messages: HistoryMessages;
  let whereIs: WhereIs;
  let farm: readonly FakeDaemon[] = [];

  before(async () => {
    messages = await loadHistoryMessages();
  });

  beforeEach(() => {
    whereIs = new WhereIs({ messages, recorded: () => Promise.resolve(undefined) });
    farm = [fakeDaemon("one", "v0.32.2"), fakeDaemon("two", "v0.28.1"), fakeDaemon("three", "")];
  });

  const answering = (path: string, ...answers: readonly (readonly Uint8Array[])[]): void => {
    for (const [index, messagesOfOne] of answers.entries()) {
      farm[index]?.answers.set(path, (call) => {
        call.send(...messagesOfOne);
        call.end();
      });
    }
  };

  const farmCall = (path: string): FarmCall => {
    const call = acrossFarm({ whereIs, messages })(path);
    if (call === undefined) throw new Error(`no call for ${path}`);
    return call;
  };

  const run = async (path: string, request: Buffer = EMPTY): Promise<FarmClient> => {
    const client = farmClient(
      farm.map(({ builder }) => builder),
      ["traceparent", "00-1"],
    );
    await farmCall(path)(request, client);
    return client;
  };

  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error: unknown = await work.catch((caught: unknown) => caught);
    return error instanceof GrpcError ? `${error.code}: ${error.message}` : String(error);
  };

  for (const path of [LIST_WORKERS_PATH, CONTROL.diskUsage]) {
    it(`gives the lists of all in one message, unknown fields too: ${path}`, async () => {
      answering(path, [listOf("a", "b")], [listOf("c")], [listOf()]);
      const { received } = await run(path);
      expect(received).to.have.length(1);
      expect(textsOf(received[0])).to.deep.equal(["a", "b", "c"]);
      expect([...fieldsOf(received[0] ?? EMPTY)].filter(({ number }) => number === 999)).to.have.length(3);
    });

    it(`fails only where all fail: ${path}`, async () => {
      answering(path, [listOf("a")]);
      farm[2]?.die();
      expect(textsOf((await run(path)).received[0])).to.deep.equal(["a"]);
      farm[0]?.die();
      expect(await failure(run(path))).to.match(/^UNAVAILABLE: memobuild: no builder answers: builder one: /);
    });
  }

  it("sends the client's metadata on", async () => {
    const seen: (string | undefined)[] = [];
    farm[0]?.answers.set(LIST_WORKERS_PATH, (call) => {
      seen.push(headerValue(call.headers, "traceparent"));
      call.send(EMPTY);
      call.end();
    });
    await run(LIST_WORKERS_PATH);
    expect(seen).to.deep.equal(["00-1"]);
  });

  it("tells of the builder with the lowest version, and of the next where that one fails", async () => {
    answering(CONTROL.info, [Buffer.from("one")], [Buffer.from("two")], [Buffer.from("three")]);
    expect((await run(CONTROL.info)).received.map(String)).to.deep.equal(["two"]);
    farm[1]?.die();
    expect((await run(CONTROL.info)).received.map(String)).to.deep.equal(["one"]);
    farm[0]?.die();
    expect((await run(CONTROL.info)).received.map(String)).to.deep.equal(["three"]);
  });

  it("prunes on all, and then says where it could not", async () => {
    answering(CONTROL.prune, [Buffer.from("a"), Buffer.from("b")], [], [Buffer.from("c")]);
    expect((await run(CONTROL.prune)).received.map(String)).to.have.members(["a", "b", "c"]);
    farm[1]?.die();
    const client = farmClient(farm.map(({ builder }) => builder));
    expect(await failure(farmCall(CONTROL.prune)(EMPTY, client))).to.equal(
      "UNAVAILABLE: memobuild: not pruned everywhere: builder two: connect ECONNREFUSED",
    );
    expect(client.received.map(String)).to.have.members(["a", "b", "c"]);
  });

  it("lists each blob once", async () => {
    answering(CONTENT.list, [listOf("x", "y"), listOf("z")], [listOf("y", "z", "w")], []);
    const { received } = await run(CONTENT.list);
    expect(received.flatMap(textsOf)).to.have.members(["w", "x", "y", "z"]);
  });

  it("updates a build on the builder that has it, and on no other", async () => {
    const path = CONTROL.updateBuildHistory;
    answering(path, [EMPTY], [EMPTY], [EMPTY]);
    whereIs.noteRef("ref1", "unix:///two.sock");
    await run(path, Buffer.from("\n\x04ref1\x18\x01"));
    expect(farm.map(({ calls }) => calls)).to.deep.equal([[], [path], []]);
  });

  it("updates a build of nobody where any takes it", async () => {
    const path = CONTROL.updateBuildHistory;
    const request = Buffer.from("\n\x04ref1\x18\x01");
    for (const { answers } of farm) {
      answers.set(path, (call) => {
        call.end("NOT_FOUND", "no lease");
      });
    }
    expect(await failure(run(path, request))).to.equal("NOT_FOUND: no lease");
    answering(path, [], [EMPTY]);
    expect((await run(path, request)).received).to.deep.equal([EMPTY]);
  });

  it("has no answer to calls of one builder", () => {
    const find = acrossFarm({ whereIs, messages });
    for (const path of [CONTROL.solve, CONTROL.status, CONTENT.read, LLB_BRIDGE.ping, "/x/y"])
      expect(find(path)).to.equal(undefined);
  });
});
