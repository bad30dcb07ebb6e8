/** The odd shapes in which hosts of extensions answer and refuse. */
import { expect } from "chai";
import { bodyOf, desktopTransport, refusalOf } from "./desktop-transport.js";
import { ApiProblem, UNREACHABLE } from "./transport.js";

const FAILURE = { error: { code: "not_found", message: "there is no build x" } };

describe("bodyOf", () => {
  const answers: readonly (readonly [string, unknown])[] = [
    ["the body", { builds: [] }],
    ["its text", '{"builds":[]}'],
    ["the body, wrapped", { data: { builds: [] }, statusCode: 200 }],
    ["its text, wrapped", { data: '{"builds":[]}', headers: {} }],
  ];
  for (const [shape, answer] of answers) {
    it(`takes ${shape}`, () => {
      expect(bodyOf(answer)).to.deep.equal({ builds: [] });
    });
  }

  it("leaves a body alone that has something called data, and text that is no JSON", () => {
    expect(bodyOf({ data: 1, cursor: "a" })).to.deep.equal({ data: 1, cursor: "a" });
    expect(bodyOf("# HELP up")).to.equal("# HELP up");
  });
});

describe("refusalOf", () => {
  const refusals: readonly (readonly [string, unknown])[] = [
    ["an object with the API's text as message", { name: "Error", message: JSON.stringify(FAILURE), statusCode: 404 }],
    ["an error with it", Object.assign(new Error(JSON.stringify(FAILURE)), { statusCode: 404 })],
    ["the body", FAILURE],
    ["its text", JSON.stringify(FAILURE)],
    ["the body, wrapped", { status: 404, data: FAILURE }],
  ];
  for (const [shape, thrown] of refusals) {
    it(`finds what the API said in ${shape}`, () => {
      const problem = refusalOf(thrown);
      expect([problem.code, problem.message]).to.deep.equal(["not_found", "there is no build x"]);
    });
  }

  it("takes anything without a status for a MemoBuild that does not answer", () => {
    for (const thrown of [new Error("connect ECONNREFUSED 127.0.0.1:80"), "closed", undefined, {}]) {
      expect(refusalOf(thrown).message).to.equal(UNREACHABLE);
    }
  });

  it("names the status where that is all there is", () => {
    expect(refusalOf({ message: "Internal", statusCode: 500 }).message).to.include("500");
  });
});

describe("desktopTransport", () => {
  const unused = (): Promise<unknown> => Promise.reject(new Error("not asked for"));
  const service = {
    get: unused,
    post: unused,
    put: unused,
    patch: unused,
    delete: unused,
    head: unused,
    request: unused,
  };
  const { signal } = new AbortController();

  it("rejects where the host resolves with a refusal", async () => {
    const transport = desktopTransport({ ...service, get: () => Promise.resolve(FAILURE) });
    const problem: unknown = await transport
      .ask({ method: "GET", path: "/x", signal })
      .catch((error: unknown) => error);
    expect(problem).to.be.instanceOf(ApiProblem).with.property("code", "not_found");
  });

  it("drops the answer of a request that was aborted", async () => {
    const ending = new AbortController();
    const transport = desktopTransport({ ...service, get: () => new Promise(() => undefined) });
    const asked = transport.ask({ method: "GET", path: "/x", signal: ending.signal }).catch((error: unknown) => error);
    ending.abort(new Error("gone"));
    expect(await asked).to.have.property("message", "gone");
  });
});
