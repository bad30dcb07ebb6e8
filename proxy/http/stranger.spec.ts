/** What a listener refuses: on loopback other names for it, everywhere pages of other origins. */
import { expect } from "chai";
import { strangerProblem } from "./stranger.js";

describe("strangerProblem", () => {
  const answered = [
    { host: "localhost:8374" },
    { host: "127.0.0.1:8374", origin: "http://127.0.0.1:8374" },
    { host: "LOCALHOST:8374", origin: "http://localhost:8374" },
    { host: "[::1]:8374", origin: "http://[::1]:8374" },
  ];
  for (const headers of answered) {
    it(`lets ${JSON.stringify(headers)} through`, () => {
      expect(strangerProblem(headers, "127.0.0.1")).to.equal(undefined);
    });
  }

  const refused = [
    [{}, "this Host"],
    [{ host: "evil.example:8374" }, "this Host"],
    [{ host: "localhost:8374", origin: "http://evil.example" }, "other origins"],
    [{ host: "localhost:8374", origin: "http://localhost:3000" }, "other origins"],
    [{ host: "localhost:8374", origin: "null" }, "other origins"],
  ] as const;
  for (const [headers, problem] of refused) {
    it(`refuses ${JSON.stringify(headers)}`, () => {
      expect(strangerProblem(headers, "127.0.0.1")).to.include(problem);
    });
  }

  it("knows no names of a listener that other machines reach, but origins", () => {
    const host = "builds.example:8373";
    expect(strangerProblem({ host }, "0.0.0.0")).to.equal(undefined);
    expect(strangerProblem({ host, origin: "http://builds.example:8373" }, "0.0.0.0")).to.equal(undefined);
    expect(strangerProblem({ host, origin: "http://evil.example:8373" }, "0.0.0.0")).to.include("other origins");
  });
});
