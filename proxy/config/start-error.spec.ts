/** Start errors name the option, the address and a reason people understand. */
import { expect } from "chai";
import { listenStartError } from "./start-error.js";

describe("listenStartError", () => {
  it("explains the codes that a listener meets, and keeps the cause", () => {
    const cause = Object.assign(new Error("listen EADDRINUSE: address already in use"), { code: "EADDRINUSE" });
    const error = listenStartError("listen", "tcp://127.0.0.1:1", cause);
    expect(error.option).to.equal("listen");
    expect(error.message).to.equal(
      "cannot listen on tcp://127.0.0.1:1: something else listens there already (EADDRINUSE)",
    );
    expect(error.cause).to.equal(cause);
  });

  it("passes on what it does not know", () => {
    const unknownCode = Object.assign(new Error("listen EWEIRD"), { code: "EWEIRD" });
    expect(listenStartError("http", "a:1", unknownCode).message).to.equal("cannot listen on a:1: listen EWEIRD");
    expect(listenStartError("http", "a:1", "odd").message).to.equal("cannot listen on a:1: odd");
  });
});
