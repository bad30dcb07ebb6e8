/** An address that answers, that refuses, and that takes a request and says nothing. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { expect } from "chai";
import { freePort } from "../test/support/free-port.js";
import { answersInTime } from "./answers-in-time.js";

describe("answersInTime", () => {
  const servers: Server[] = [];

  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
    return `http://127.0.0.1:${address.port}/`;
  };

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it("is true for any answer", async () => {
    const url = await serve((_, response) => response.writeHead(404).end());
    expect(await answersInTime(url, 1_000)).to.equal(true);
  });

  it("is false where nobody listens", async () => {
    expect(await answersInTime(`http://127.0.0.1:${await freePort()}/`, 1_000)).to.equal(false);
  });

  it("is false where no answer comes in time", async () => {
    const url = await serve(() => undefined);
    const started = performance.now();
    expect(await answersInTime(url, 50)).to.equal(false);
    expect(performance.now() - started).to.be.lessThan(1_000);
  });
});
