/** Windows of time. */
import { expect } from "chai";
import { windowOf, WINDOWS } from "./windows.js";

describe("windowOf", () => {
  it("takes what the address asks for, else a day", () => {
    expect(WINDOWS.map(({ since }) => windowOf(since).since)).to.deep.equal(["1h", "24h", "7d", "30d"]);
    expect([windowOf(null).since, windowOf("3 weeks").since]).to.deep.equal(["24h", "24h"]);
  });
});
