import { expect } from "chai";
import protobuf from "protobufjs";
import { loadBuildMessages } from "../buildkit/build-messages.js";
import type { BuildMessages } from "../buildkit/build-messages.js";
import { attachExport, injectIntoGatewaySolve, injectIntoSolve } from "./inject.js";

const OURS = { type: "registry", attrs: { ref: "127.0.0.1:1/x@sha256:0", "registry.insecure": "true" } };
const USERS = { Type: "local", Attrs: { src: "there" }, Extra: 1 };
/** Field 999, which nobody knows. */
const UNKNOWN = Buffer.from(
  protobuf.Writer.create()
    .uint32((999 << 3) | 2)
    .string("kept")
    .finish(),
);

describe("injection", () => {
  let messages: BuildMessages;
  before(async () => {
    messages = await loadBuildMessages();
  });

  const intoFrontend = (frontendOpt: Record<string, string>): ReturnType<typeof injectIntoGatewaySolve> => {
    const message = Buffer.concat([
      messages.gatewaySolveRequest.encode({ frontend: "dockerfile.v0", frontendOpt }),
      UNKNOWN,
    ]);
    return injectIntoGatewaySolve(messages, message, messages.gatewaySolveRequest.decode(message), OURS);
  };

  it("adds the import behind the user's, for a frontend", () => {
    const { imports, message } = intoFrontend({ target: "app", "cache-imports": JSON.stringify([USERS]) });
    const { frontendOpt } = messages.gatewaySolveRequest.decode(message);
    expect(frontendOpt["target"]).to.equal("app");
    expect(JSON.parse(frontendOpt["cache-imports"] ?? "")).to.deep.equal([
      USERS,
      { Type: "registry", Attrs: OURS.attrs },
    ]);
    expect(imports).to.deep.equal([{ type: "local", attrs: { src: "there" } }, OURS]);
    expect(message.includes(UNKNOWN)).to.equal(true);
  });

  it("leaves alone what it does not understand", () => {
    for (const odd of ["no JSON", "{}", '[{"Type":1}]']) {
      const { imports, message } = intoFrontend({ "cache-imports": odd });
      expect(messages.gatewaySolveRequest.decode(message).frontendOpt["cache-imports"]).to.equal(odd);
      expect(imports).to.deep.equal([]);
    }
  });

  it("adds the import to those of a definition", () => {
    const users = { type: "registry", attrs: { ref: "registry.example/cache" } };
    const given = messages.gatewaySolveRequest.encode({ definition: Buffer.from("llb"), cacheImports: [users] });
    const { imports, message } = injectIntoGatewaySolve(
      messages,
      given,
      messages.gatewaySolveRequest.decode(given),
      OURS,
    );
    expect(imports).to.deep.equal([users, OURS]);
    expect(messages.gatewaySolveRequest.decode(message).cacheImports).to.deep.equal([users, OURS]);
  });

  it("changes nothing where there is no import, and still tells the user's", () => {
    const given = messages.gatewaySolveRequest.encode({
      frontend: "dockerfile.v0",
      frontendOpt: { "cache-imports": JSON.stringify([USERS]) },
    });
    const decoded = messages.gatewaySolveRequest.decode(given);
    const { imports, message } = injectIntoGatewaySolve(messages, given, decoded, undefined);
    expect(message).to.equal(given);
    expect(imports).to.deep.equal([{ type: "local", attrs: { src: "there" } }]);
  });

  it("adds import and harmless export to a build in Control.Solve", () => {
    for (const request of [{ frontend: "dockerfile.v0" }, { definition: Buffer.from("llb") }]) {
      const given = Buffer.concat([messages.solveRequest.encode({ ref: "r1", ...request }), UNKNOWN]);
      const imported = injectIntoSolve(messages, given, messages.solveRequest.decode(given), OURS);
      const changed = attachExport(messages, imported, OURS);
      const decoded = messages.solveRequest.decode(changed);
      expect(decoded.ref).to.equal("r1");
      expect(decoded.cache?.exports).to.deep.equal([{ ...OURS, attrs: { ...OURS.attrs, "ignore-error": "true" } }]);
      if (request.frontend === undefined) expect(decoded.cache?.imports).to.deep.equal([OURS]);
      else expect(decoded.frontendAttrs["cache-imports"]).to.include(OURS.attrs.ref);
      expect(changed.includes(UNKNOWN)).to.equal(true);
    }
  });
});
