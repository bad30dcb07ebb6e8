/** When a build may be done again on another builder, and what it tells those who wait for it. */
import { expect } from "chai";
import { CONTROL, LLB_BRIDGE } from "../buildkit/methods.js";
import { memoryFarmBuilder } from "../test/support/farm-builders.js";
import { silentStream } from "../test/support/silent-stream.js";
import { RelayedCall } from "./relayed-call.js";
import { RoutedBuild, type ClientCall } from "./routed-build.js";
import type { SolveFacts } from "./solve-facts.js";

const FACTS: SolveFacts = {
  ...{ ref: "b", session: "s", sessions: ["s"], isInternal: false, platforms: [], needsSharedKey: false },
  identify: () => ({ tenant: "", project: "", scope: "" }),
};
const BUILDER = memoryFarmBuilder("one");

interface Told {
  readonly isRepeatable?: boolean;
  readonly hasAnswered?: boolean;
}

/** A call of which that is known. */
class ToldCall extends RelayedCall {
  readonly #told: Told;

  constructor(told: Told) {
    const ignore = (): void => undefined;
    super(silentStream(), { forwarded: ignore, bytesToBuilder: ignore, bytesToClient: ignore, ended: ignore });
    this.#told = told;
  }

  override get hasAnswered(): boolean {
    return this.#told.hasAnswered ?? false;
  }

  override get isRepeatable(): boolean {
    return this.#told.isRepeatable ?? true;
  }
}

const callOf = (path: string, told: Told = {}): ClientCall => ({
  ...{ path, headers: [], builds: new Set(), builder: BUILDER, tried: new Set() },
  call: new ToldCall(told),
});

describe("RoutedBuild", () => {
  const create = (...calls: readonly ClientCall[]): RoutedBuild => {
    const build = new RoutedBuild(FACTS, () => Promise.resolve(BUILDER));
    for (const call of calls) build.attach(call);
    return build;
  };

  const cases: readonly (readonly [what: string, call: ClientCall, moves: boolean, movesIfRepeated: boolean])[] = [
    ["a Solve", callOf(CONTROL.solve), true, true],
    ["a Solve whose end was told", callOf(CONTROL.solve, { hasAnswered: true }), false, false],
    ["a session without a byte from the builder", callOf(CONTROL.session), true, true],
    ["a session with a byte from the builder", callOf(CONTROL.session, { hasAnswered: true }), false, false],
    ["a request too large to be kept", callOf(CONTROL.solve, { isRepeatable: false }), false, false],
    ["a Status without progress", callOf(CONTROL.status), true, true],
    ["a Status with progress", callOf(CONTROL.status, { hasAnswered: true }), false, true],
    [
      "a Status in the midst of a message",
      callOf(CONTROL.status, { hasAnswered: true, isRepeatable: false }),
      false,
      false,
    ],
    ["a Ping", callOf(LLB_BRIDGE.ping), true, true],
    ["a frontend under way", callOf(LLB_BRIDGE.solve), true, true],
    ["a call for what the builder holds", callOf(LLB_BRIDGE.return), false, false],
  ];
  for (const [what, call, moves, movesIfRepeated] of cases) {
    it(`${moves ? "moves" : movesIfRepeated ? "moves if progress may come twice" : "stays"} with ${what}`, () => {
      const build = create(callOf(CONTROL.solve), call);
      expect([build.canMove(false), build.canMove(true)]).to.deep.equal([moves, movesIfRepeated]);
    });
  }

  it("moves after its Ping, and stays once the client has a result", () => {
    const [ping, solve] = [callOf(LLB_BRIDGE.ping), callOf(LLB_BRIDGE.solve)];
    const build = create(ping, solve);
    build.detach(ping);
    expect(build.canMove(true)).to.equal(true);
    build.detach(solve);
    expect([build.canMove(true), build.calls.size]).to.deep.equal([false, 0]);
  });

  it("tells a call that it is of this build", () => {
    const told: RoutedBuild[] = [];
    const call = { ...callOf(CONTROL.status), onBuild: (build: RoutedBuild) => void told.push(build) };
    const build = create(call);
    expect(told).to.deep.equal([build]);
    expect([...call.builds]).to.deep.equal([build]);
  });

  it("is nowhere while it looks for another builder, and remembers which it has lost", async () => {
    const build = create();
    await build.placed;
    expect(build.builder).to.equal(BUILDER);
    const two = memoryFarmBuilder("two");
    build.move(() => Promise.resolve(two));
    expect([build.builder, ...build.tried]).to.deep.equal([undefined, "one"]);
    expect([await build.placed, build.builder]).to.deep.equal([two, two]);
  });

  it("says that it waits only as long as it does", async () => {
    let place: () => void = () => undefined;
    const build = new RoutedBuild(
      FACTS,
      () =>
        new Promise((resolve) => {
          place = () => {
            resolve(BUILDER);
          };
        }),
    );
    build.waits(2);
    const told: number[] = [];
    build.onWaiting((ahead) => told.push(ahead));
    place();
    await build.placed;
    build.onWaiting((ahead) => told.push(ahead));
    expect(told).to.deep.equal([2]);
  });

  it("has no rejection that nobody handles when it is placed nowhere", async () => {
    const build = new RoutedBuild(FACTS, () => Promise.reject(new Error("no builder takes it")));
    await new Promise(setImmediate);
    expect(await build.placed.catch((error: unknown) => String(error))).to.equal("Error: no builder takes it");
  });
});
