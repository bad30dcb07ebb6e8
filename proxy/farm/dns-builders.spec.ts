/** Promises of the look-ups behind `dns+tcp://`. */
import { expect } from "chai";
import { pino } from "pino";
import type { BuilderAddress, DnsAddress } from "../config/builder-address.js";
import { FakeClock } from "../test/support/fake-clock.js";
import { DnsBuilders } from "./dns-builders.js";

const fixture = (name: DnsAddress = { kind: "dns+tcp", host: "builders", port: 1234 }) => {
  const found: (readonly BuilderAddress[])[] = [];
  const lines: string[] = [];
  const dns = { answer: ["10.0.0.2", "10.0.0.1", "10.0.0.2"], failure: "", asked: 0 };
  const clock = new FakeClock();
  const builders = new DnsBuilders({
    name,
    lookup: (host) => {
      dns.asked++;
      expect(host).to.equal("builders");
      return dns.failure === "" ? Promise.resolve(dns.answer) : Promise.reject(new Error(dns.failure));
    },
    onFound: (addresses) => found.push(addresses),
    logger: pino({ base: null }, { write: (line: string) => lines.push(line) }),
    clock,
  });
  return { builders, clock, dns, found, lines };
};

describe("DnsBuilders", () => {
  it("finds each address once, in order, and looks again every 10 s", async () => {
    const { builders, clock, dns, found } = fixture();
    builders.start();
    await clock.advance(0);
    expect(found).to.deep.equal([
      [
        { kind: "tcp", host: "10.0.0.1", port: 1234 },
        { kind: "tcp", host: "10.0.0.2", port: 1234 },
      ],
    ]);
    dns.answer = ["fd00::1"];
    await clock.advance(20_000);
    expect(dns.asked).to.equal(3);
    expect(found.at(-1)).to.deep.equal([{ kind: "tcp", host: "fd00::1", port: 1234 }]);
  });

  it("checks certificates against the name, unless another is given", async () => {
    for (const serverName of [undefined, "other"]) {
      const tls = { caFile: "/ca", ...(serverName !== undefined && { serverName }) };
      const { builders, clock, found } = fixture({ kind: "dns+tcp", host: "builders", port: 1, tls });
      builders.start();
      await clock.advance(0);
      expect(found[0]?.[0]).to.have.deep.property("tls", { caFile: "/ca", serverName: serverName ?? "builders" });
    }
  });

  it("keeps to itself that a lookup fails, but for one line", async () => {
    const { builders, clock, dns, found, lines } = fixture();
    dns.failure = "getaddrinfo ENOTFOUND builders";
    builders.start();
    await clock.advance(30_000);
    expect(found).to.deep.equal([]);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain("ENOTFOUND").and.to.contain("dns+tcp://builders:1234");
    dns.failure = "";
    await clock.advance(10_000);
    expect(found).to.have.length(1);
    expect(lines).to.have.length(2);
  });

  it("leaves nothing behind when it is closed during a lookup", async () => {
    const { builders, clock, found } = fixture();
    builders.start();
    builders.close();
    await clock.advance(60_000);
    expect(found).to.deep.equal([]);
    expect(clock.waiting).to.equal(0);
  });
});
