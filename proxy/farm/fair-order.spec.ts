/** The fair order against one that serves them one by one. */
import { expect } from "chai";
import fc from "fast-check";
import { type Claim, fairOrder, projectKey } from "./fair-order.js";
import { Tally } from "./tally.js";

interface NumberedClaim extends Claim {
  readonly number: number;
}

/** Serves the next, counts it as running, and asks again. */
function servedOneByOne(waiting: readonly NumberedClaim[], running: readonly Claim[]): NumberedClaim[] {
  const [ofTenant, ofProject] = [new Tally(), new Tally()];
  const count = (claim: Claim): void => {
    ofTenant.add(claim.tenant, 1);
    ofProject.add(projectKey(claim), 1);
  };
  running.forEach(count);
  const served: NumberedClaim[] = [];
  const rest = [...waiting];
  while (rest.length > 0) {
    rest.sort(
      (a, b) =>
        ofTenant.of(a.tenant) - ofTenant.of(b.tenant) ||
        ofProject.of(projectKey(a)) - ofProject.of(projectKey(b)) ||
        a.number - b.number,
    );
    for (const next of rest.splice(0, 1)) {
      served.push(next);
      count(next);
    }
  }
  return served;
}

describe("fairOrder", () => {
  const claim = fc.record({ tenant: fc.constantFrom("a", "b", "c"), project: fc.constantFrom("x", "y", "z") });

  const orderOf = (waiting: readonly NumberedClaim[], running: readonly Claim[]): NumberedClaim[] =>
    fairOrder(waiting, {
      ofTenant: (tenant) => running.filter((other) => other.tenant === tenant).length,
      ofProject: (tenant, project) =>
        running.filter((other) => other.tenant === tenant && other.project === project).length,
    });

  it("is the order in which they are served one by one", () => {
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 20 }), fc.array(claim, { maxLength: 10 }), (waiting, running) => {
        const numbered = waiting.map((one, number) => ({ ...one, number }));
        expect(orderOf(numbered, running)).to.deep.equal(servedOneByOne(numbered, running));
      }),
    );
  });

  it("lets no tenant wait behind all builds of another", () => {
    const flood = Array.from({ length: 50 }, (_, number) => ({ tenant: "a", project: `${number}`, number }));
    const order = orderOf([...flood, { tenant: "b", project: "x", number: 50 }], []);
    expect(order.map(({ number }) => number).slice(0, 3)).to.deep.equal([0, 50, 1]);
  });
});
