/** Addresses of the page. */
import { expect } from "chai";
import fc from "fast-check";
import { hrefOf, routeOf } from "./route.js";

describe("routeOf", () => {
  it("reads parts and query, and takes an empty address for the start", () => {
    const { parts, query } = routeOf("#/builds/a%2Fb/logs?step=sha256%3A1&x=");
    expect(parts).to.deep.equal(["builds", "a/b", "logs"]);
    expect(query.get("step")).to.equal("sha256:1");
    expect(routeOf("").parts).to.deep.equal([]);
  });

  it("does not fail on a stray percent sign", () => {
    expect(routeOf("#/builds/%zz").parts).to.deep.equal(["builds", "%zz"]);
  });
});

describe("hrefOf", () => {
  it("is read back as it was", () => {
    const text = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(fc.array(text), fc.dictionary(fc.stringMatching(/^[a-z]+$/), text), (parts, query) => {
        const route = routeOf(hrefOf(parts, query));
        expect(route.parts).to.deep.equal(parts);
        expect(Object.fromEntries(route.query)).to.deep.equal({ ...query });
      }),
    );
  });

  it("leaves out what is not set", () => {
    expect(hrefOf(["builds"], { outcome: "", project: undefined })).to.equal("#/builds");
  });
});
