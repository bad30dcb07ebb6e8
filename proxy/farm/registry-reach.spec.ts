import { expect } from "chai";
import { addressFor } from "./registry-reach.js";

describe("addressFor", () => {
  const port = 5000;

  it("is the registry's own for a builder on this machine", () => {
    expect(addressFor({ host: "127.0.0.1", port }, undefined)).to.deep.equal({ host: "127.0.0.1", port });
    expect(addressFor({ host: "0.0.0.0", port }, "127.0.0.1")).to.deep.equal({ host: "127.0.0.1", port });
    expect(addressFor({ host: "::", port }, undefined)).to.deep.equal({ host: "127.0.0.1", port });
  });

  it("is our end of the connection to a builder elsewhere", () => {
    expect(addressFor({ host: "0.0.0.0", port }, "192.0.2.7")).to.deep.equal({ host: "192.0.2.7", port });
    expect(addressFor({ host: "::", port }, "::ffff:192.0.2.7")).to.deep.equal({ host: "192.0.2.7", port });
    expect(addressFor({ host: "192.0.2.9", port }, "192.0.2.7")).to.deep.equal({ host: "192.0.2.9", port });
  });

  it("is none for a builder elsewhere when the registry listens on loopback", () => {
    expect(addressFor({ host: "127.0.0.1", port }, "192.0.2.7")).to.equal(undefined);
  });
});
