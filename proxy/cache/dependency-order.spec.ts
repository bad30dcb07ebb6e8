/** The order in which items come behind what they depend on. */
import { expect } from "chai";
import fc from "fast-check";
import { dependenciesFirst, type Dependencies } from "./dependency-order.js";

const from =
  (edges: readonly (readonly number[])[]): Dependencies =>
  (index, see) => {
    edges[index]?.forEach(see);
  };

describe("dependenciesFirst", () => {
  it("puts each item once, behind all that it depends on", () => {
    const edges = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { maxLength: 30 });
    fc.assert(
      fc.property(edges, fc.boolean(), (drawn, isUpward) => {
        const acyclic = drawn.map((targets, index) =>
          targets.map((target) => target % (index + 1)).filter((t) => t < index),
        );
        const size = acyclic.length;
        const turned = acyclic.map((_, index) => (acyclic[size - 1 - index] ?? []).map((target) => size - 1 - target));
        const given = isUpward ? turned : acyclic;
        const order = dependenciesFirst(size, from(given)) ?? [];
        expect([...order].sort((a, b) => a - b)).to.deep.equal(given.map((_, index) => index));
        given.forEach((targets, index) => {
          for (const target of targets) expect(order.indexOf(target)).to.be.below(order.indexOf(index));
        });
      }),
    );
  });

  it("finds circles, of one item as well", () => {
    expect(dependenciesFirst(1, from([[0]]))).to.equal(undefined);
    expect(dependenciesFirst(4, from([[], [0, 3], [1], [2]]))).to.equal(undefined);
  });

  it("does not take two ways to the same item for a circle", () => {
    expect(dependenciesFirst(4, from([[1, 2], [3], [3], []]))).to.deep.equal([3, 2, 1, 0]);
  });

  it("goes as deep as a config can be", () => {
    const depth = 100_000;
    const order = dependenciesFirst(depth, (index, see) => {
      if (index + 1 < depth) see(index + 1);
    });
    expect(order?.[0]).to.equal(depth - 1);
  });
});
