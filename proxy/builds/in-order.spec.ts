/** Work of one key follows itself, and waits for no other. */
import { expect } from "chai";
import { InOrder } from "./in-order.js";

describe("InOrder", () => {
  it("begins the next when the one before has ended, well or not", async () => {
    const order = new InOrder();
    const seen: string[] = [];
    let fail: (error: Error) => void = () => undefined;
    const first = order.run("a", () => {
      seen.push("first");
      return new Promise((_, reject) => {
        fail = reject;
      });
    });
    const second = order.run("a", () => {
      seen.push("second");
      return Promise.resolve(2);
    });
    await order.run("b", () => Promise.resolve(seen.push("other")));

    expect(seen).to.deep.equal(["first", "other"]);
    fail(new Error("no luck"));
    expect(await first.catch((error: unknown) => error)).to.be.an("error");
    expect(await second).to.equal(2);
    expect(seen).to.deep.equal(["first", "other", "second"]);
  });
});
