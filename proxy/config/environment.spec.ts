/** Variables: ours, mistyped ones, and those that others set beside us. */
import { expect } from "chai";
import { givenByEnvironment } from "./environment.js";

describe("givenByEnvironment", () => {
  it("ignores what Kubernetes sets for services named memobuild and memobuild-…", () => {
    const { texts, problems } = givenByEnvironment({
      MEMOBUILD_SERVICE_HOST: "10.0.0.1",
      MEMOBUILD_SERVICE_PORT: "8372",
      MEMOBUILD_SERVICE_PORT_GRPC: "8372",
      MEMOBUILD_PORT: "tcp://10.0.0.1:8372",
      MEMOBUILD_PORT_8372_TCP: "tcp://10.0.0.1:8372",
      MEMOBUILD_PORT_8372_TCP_ADDR: "10.0.0.1",
      MEMOBUILD_HTTP_PORT: "tcp://10.0.0.1:8373",
      MEMOBUILD_HTTP_SERVICE_HOST: "10.0.0.1",
    });
    expect(problems).to.be.empty;
    expect(texts).to.be.empty;
  });

  it("leaves settings of the tests and other programs' variables alone", () => {
    expect(givenByEnvironment({ MEMOBUILD_TEST_X: "1", memobuild_http: "x", PATH: "/bin" }).problems).to.be.empty;
  });

  it("leaves alone what tells the other commands where MemoBuild is", () => {
    expect(givenByEnvironment({ MEMOBUILD_HOST: "unix:///run/api.sock" }).problems).to.be.empty;
  });

  it("names an unknown variable, and never its value", () => {
    expect(givenByEnvironment({ MEMOBUILD_TOKEN: "hush" }).problems).to.deep.equal([
      { option: "MEMOBUILD_TOKEN", message: "unknown option" },
    ]);
  });
});
