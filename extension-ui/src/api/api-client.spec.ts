/** Requests of the page: where values go, and that path and method are those of the description. */
import { expect } from "chai";
import { createApiClient, requestOf, tellUnauthorized } from "./api-client.js";
import { ApiProblem, type ApiRequest } from "./transport.js";

describe("requestOf", () => {
  it("puts values into the path, and the others into the query, without those that are not there", () => {
    expect(requestOf("getLogs", { name: "a/b c", after: 3, step: undefined })).to.deep.equal({
      path: "/builds/a%2Fb%20c/logs?after=3",
    });
    expect(requestOf("getStatus", {})).to.deep.equal({ path: "/status" });
  });

  it("puts them into the body of a POST, and sends none where there are none left", () => {
    expect(requestOf("pruneCache", { isDryRun: true })).to.deep.equal({
      path: "/cache/prune",
      body: { isDryRun: true },
    });
    expect(requestOf("pinExport", { id: 7 })).to.deep.equal({ path: "/cache/exports/7/pin" });
  });

  it("keeps the whole address of a builder in one part of the path", () => {
    expect(requestOf("drainBuilder", { name: "unix:///run/b.sock" }).path).to.equal(
      "/builders/unix%3A%2F%2F%2Frun%2Fb.sock/drain",
    );
  });
});

describe("createApiClient", () => {
  it("asks with the call's method, and hands over the signal", async () => {
    const asked: ApiRequest[] = [];
    const api = createApiClient({
      ask: (request) => {
        asked.push(request);
        return Promise.resolve({ removed: 1 });
      },
    });
    const { signal } = new AbortController();
    expect(await api.ask("removeBuild", { name: "x" }, signal)).to.deep.equal({ removed: 1 });
    expect(asked).to.deep.equal([{ method: "DELETE", path: "/builds/x", signal }]);
  });
});

describe("tellUnauthorized", () => {
  it("tells of that refusal alone, and hands on each", async () => {
    const told: string[] = [];
    for (const code of ["unauthorized", "unreachable"]) {
      const refusing = createApiClient({ ask: () => Promise.reject(new ApiProblem(code, "no")) });
      const api = tellUnauthorized(refusing, (problem) => told.push(problem.code));
      const problem: unknown = await api.ask("getStatus", {}, new AbortController().signal).catch((e: unknown) => e);
      expect(problem).to.have.property("code", code);
    }
    expect(told).to.deep.equal(["unauthorized"]);
  });
});
