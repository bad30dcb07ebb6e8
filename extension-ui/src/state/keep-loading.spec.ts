/** When is loaded: on request, in intervals, after failures, and not while nobody looks. */
import { setImmediate as turn } from "node:timers/promises";
import { expect } from "chai";
import { ApiProblem } from "../api/transport.js";
import { keepLoading, type Loading } from "./keep-loading.js";
import { type FakeVisibility, fakeVisibility } from "./visibility-fixture.js";

const EVERY_MS = 5;

describe("keepLoading", () => {
  let visibility: FakeVisibility;
  let loading: Loading | undefined;
  /** Loads that have begun, to be ended by the test. */
  let begun: { resolve: (answer: string) => void; reject: (error: Error) => void }[];
  let told: string[];

  const start = (everyMs?: number): Loading => {
    loading = keepLoading<string>({
      load: () => new Promise((resolve, reject) => begun.push({ resolve, reject })),
      ...{ everyMs, visibility },
      onAnswer: (answer) => told.push(answer),
      onProblem: ({ code }) => told.push(code),
    });
    return loading;
  };
  const answer = async (text: string): Promise<void> => {
    begun.at(-1)?.resolve(text);
    await turn();
  };
  const waitForLoads = async (count: number): Promise<void> => {
    while (begun.length < count) await turn();
  };

  beforeEach(() => {
    visibility = fakeVisibility();
    begun = [];
    told = [];
  });
  afterEach(() => {
    loading?.stop();
  });

  it("loads when a page that was opened hidden is shown, without an interval too", async () => {
    visibility.hide();
    start();
    expect(begun).to.have.length(0);
    visibility.show();
    expect(begun).to.have.length(1);
    await answer("a");
    expect(told).to.deep.equal(["a"]);
  });

  it("loads once where the page is hidden and shown meanwhile", async () => {
    start(EVERY_MS);
    for (let times = 0; times < 3; times += 1) {
      visibility.hide();
      visibility.show();
    }
    expect(begun).to.have.length(1);
    await answer("a");
    await waitForLoads(2);
    expect(told).to.deep.equal(["a"]);
  });

  it("goes on after an interval that ended while the page was hidden", async () => {
    start(EVERY_MS);
    visibility.hide();
    await answer("a");
    await new Promise((resolve) => setTimeout(resolve, 2 * EVERY_MS));
    expect(begun).to.have.length(1);
    visibility.show();
    expect(begun).to.have.length(2);
  });

  it("ends a load before it begins another that was asked for meanwhile", async () => {
    const { reload } = start();
    reload();
    reload();
    expect(begun).to.have.length(1);
    await answer("a");
    expect(begun).to.have.length(2);
    await answer("b");
    expect(begun).to.have.length(2);
    expect(told).to.deep.equal(["a", "b"]);
  });

  it("does not repeat what was refused, but on request", async () => {
    const { reload } = start();
    begun[0]?.reject(new ApiProblem("not_found", "there is none"));
    await turn();
    expect(told).to.deep.equal(["not_found"]);
    reload();
    expect(begun).to.have.length(2);
  });

  it("tells nothing after its end", async () => {
    const { reload, stop } = start(EVERY_MS);
    stop();
    await answer("a");
    reload();
    visibility.show();
    expect(begun).to.have.length(1);
    expect(told).to.deep.equal([]);
  });
});
