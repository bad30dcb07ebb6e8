import { expect } from "chai";
import { Turns } from "./turns.js";

describe("Turns", () => {
  const never = new AbortController().signal;

  it("lets so many go on at once, in the order in which they came", async () => {
    const turns = new Turns(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const all = [0, 1, 2, 3].map((number) =>
      turns.take(never, () => {
        begun.push(number);
        return new Promise<void>((resolve) => ends.push(resolve));
      }),
    );
    await new Promise(setImmediate);
    expect(begun).to.deep.equal([0, 1]);
    for (let number = 2; number < 6; number++) {
      ends.shift()?.();
      await new Promise(setImmediate);
      expect(begun).to.have.length(Math.min(number + 1, 4));
    }
    await Promise.all(all);
    expect(begun).to.deep.equal([0, 1, 2, 3]);
  });

  it("gives the turn on when its holder fails", async () => {
    const turns = new Turns(1);
    const failed = turns.take(never, () => Promise.reject(new Error("no")));
    const next = turns.take(never, () => Promise.resolve("yes"));
    expect(await failed.catch((error: unknown) => error)).to.be.instanceOf(Error);
    expect(await next).to.equal("yes");
  });

  it("lets who waits give up", async () => {
    const turns = new Turns(1);
    let end: () => void = () => undefined;
    const first = turns.take(never, () => new Promise<void>((resolve) => (end = resolve)));
    const given = new AbortController();
    const waiting = turns.take(given.signal, () => Promise.resolve()).catch(() => "gave up");
    given.abort();
    expect(await waiting).to.equal("gave up");
    end();
    await first;
    expect(await turns.take(never, () => Promise.resolve("free"))).to.equal("free");
  });
});
