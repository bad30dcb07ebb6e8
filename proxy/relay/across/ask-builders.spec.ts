/** Promises of asking many builders: who is left out, and what is said where nobody answers. */
import { mock } from "node:test";
import { expect } from "chai";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { GrpcError } from "../../grpc/grpc-client.js";
import { fakeDaemon } from "../../test/support/fake-daemons.js";
import type { FakeCall, FakeDaemon } from "../../test/support/fake-daemons.js";
import { poll } from "../../test/support/poll.js";
import { askBuilders } from "./ask-builders.js";
import type { Ask } from "./ask-builders.js";

const PATH = "/a/b";
const never = new AbortController().signal;
const ask: Ask<string> = async (client, signal) => String(await client.unary(PATH, new Uint8Array(), { signal }));

const says =
  (text: string): ((call: FakeCall) => void) =>
  (call) => {
    call.send(Buffer.from(text));
    call.end();
  };

const daemons = (...answers: ((call: FakeCall) => void)[]): FakeDaemon[] =>
  answers.map((answer, index) => {
    const daemon = fakeDaemon(`b${index}`);
    daemon.answers.set(PATH, answer);
    return daemon;
  });

const builders = (farm: readonly FakeDaemon[]): FarmBuilder[] => farm.map(({ builder }) => builder);

const failure = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.catch((caught: unknown) => caught);
  return error instanceof GrpcError ? `${error.code}: ${error.message}` : String(error);
};

describe("askBuilders", () => {
  it("gives the answers in the order of the builders, and closes its connections", async () => {
    const held: FakeCall[] = [];
    const farm = daemons(
      (call) => held.push(call),
      (call) => {
        says("two")(call);
        held.forEach(says("one"));
      },
    );
    const { values, failures } = await askBuilders(builders(farm), { signal: never }, ask);
    expect(values).to.deep.equal(["one", "two"]);
    expect(failures).to.be.empty;
    await poll(
      () => farm.map(({ connections }) => connections.size),
      (sizes) => sizes.every((size) => size === 0),
      {
        what: "connections are closed",
        timeoutMs: 1_000,
      },
    );
  });

  it("leaves out a builder that is lost, one that fails, and one that is late", async () => {
    const farm = daemons(
      () => undefined,
      (call) => {
        call.end("INTERNAL", "no");
      },
      says("here"),
      says("dead"),
    );
    farm[3]?.die();
    const { values, failures } = await askBuilders(builders(farm), { signal: never, timeoutMs: 50 }, ask);
    expect(values).to.deep.equal(["here"]);
    expect(failures.map(({ builder }) => builder.name)).to.deep.equal(["b0", "b1", "b3"]);
    await poll(
      () => farm[0]?.cancelled,
      (cancelled) => cancelled === 1,
      {
        what: "the late call is cancelled",
        timeoutMs: 1_000,
      },
    );
  });

  it("gives up a builder that has gone for good, and not one that was away for a moment", async () => {
    const held: FakeCall[] = [];
    const farm = daemons(
      (call) => held.push(call),
      () => undefined,
    );
    const [momentarily, forGood] = builders(farm);
    let looks = 0;
    const current = (): readonly FarmBuilder[] => builders(farm).filter((b) => b === momentarily && looks++ > 0);
    mock.timers.enable({ apis: ["setInterval"] });
    const asked = askBuilders(builders(farm), { signal: never, current }, ask);
    await poll(
      () => held.length,
      (count) => count === 1,
      { what: "it is asked", timeoutMs: 1_000 },
    );
    mock.timers.tick(31_000);
    mock.timers.reset();
    await poll(
      () => farm[1]?.cancelled,
      (cancelled) => cancelled === 1,
      { what: "the call into the void is cancelled", timeoutMs: 4_000 },
    );
    held.forEach(says("here"));
    const { values, failures } = await asked;
    expect(values).to.deep.equal(["here"]);
    expect(failures.map(({ builder, error }) => [builder, String(error)])).to.deep.equal([
      [forGood, "Error: it does not answer any more"],
    ]);
  });

  it("names each builder and its cause where all fail", async () => {
    const farm = daemons(says("dead"), (call) => {
      call.end("INTERNAL", "no");
    });
    farm[0]?.die();
    expect(await failure(askBuilders(builders(farm), { signal: never }, ask))).to.equal(
      "UNAVAILABLE: memobuild: no builder answers: builder b0: connect ECONNREFUSED; builder b1: it answers INTERNAL no",
    );
  });

  it("says what the builders say where they agree", async () => {
    const refuse = (call: FakeCall): void => {
      call.end("INVALID_ARGUMENT", "no such filter");
    };
    expect(await failure(askBuilders(builders(daemons(refuse, refuse)), { signal: never }, ask))).to.equal(
      "INVALID_ARGUMENT: no such filter",
    );
  });

  it("names only some of many", async () => {
    const farm = Array.from({ length: 8 }, (_, index) => fakeDaemon(`b${index}`));
    for (const daemon of farm) daemon.die();
    expect(await failure(askBuilders(builders(farm), { signal: never }, ask))).to.match(/builder b4: .*; and 3 more$/);
  });

  it("cancels its calls when it is aborted", async () => {
    const abort = new AbortController();
    const farm = daemons(() => {
      abort.abort();
    });
    expect(await failure(askBuilders(builders(farm), { signal: abort.signal }, ask))).to.match(/cancelled/);
    await poll(
      () => farm[0]?.cancelled,
      (cancelled) => cancelled === 1,
      { what: "cancelled", timeoutMs: 1_000 },
    );
  });
});
