/** Promises of rendezvous hashing: even shares, and few that move. */
import { expect } from "chai";
import { hashText, rendezvousWeight } from "./rendezvous.js";

describe("rendezvousWeight", () => {
  const addresses = (count: number): string[] => Array.from({ length: count }, (_, n) => `tcp://10.0.0.${n}:1234`);

  const owner = (key: string, among: readonly string[]): string => {
    const weights = among.map((address) => rendezvousWeight(hashText(key), hashText(address)));
    return among[weights.indexOf(Math.max(...weights))] ?? "";
  };

  it("gives addresses that differ in one character even shares of keys that differ in one character", () => {
    const shares = new Map<string, number>();
    for (let n = 0; n < 10_000; n++) {
      const address = owner(`git.example/project-${n}`, addresses(10));
      shares.set(address, (shares.get(address) ?? 0) + 1);
    }
    expect([...shares.values()].filter((share) => share > 850 && share < 1150)).to.have.length(10);
  });

  it("depends on both", () => {
    const weights = addresses(30).flatMap((address) =>
      addresses(30).map((key) => rendezvousWeight(hashText(key), hashText(address))),
    );
    expect(new Set(weights)).to.have.length(900);
  });
});
