/** Builds whose LLB or frontend is in Control.Solve itself, as programs send them that are not buildx or buildctl. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "chai";
import { loadBuildMessages, type SolveRequest } from "../../buildkit/build-messages.js";
import { CONTROL } from "../../buildkit/methods.js";
import { GrpcClient } from "../../grpc/grpc-client.js";
import { encodeLlb, filesLlb } from "../support/files-llb.js";
import { growth } from "../support/series.js";
import { useCacheWorld } from "./cache-world.js";

interface Solved {
  readonly response: Readonly<Record<string, string>>;
  /** Names of the steps that were found in a cache. */
  readonly cached: readonly string[];
}

describe("a build that is all in one request", () => {
  const world = useCacheWorld();

  /** @param more encoded fields of the request. */
  const solve = async (request: Partial<SolveRequest>, more: Buffer = Buffer.alloc(0)): Promise<Solved> => {
    const messages = await loadBuildMessages();
    const socket = connect(world().memoBuild.unixSocket);
    await once(socket, "connect");
    const client = new GrpcClient(socket);
    const { signal } = new AbortController();
    try {
      const ref = randomBytes(16).toString("hex");
      const found = new Set<string>();
      const statusRequest = messages.statusRequest.encode({ ref });
      const watched = client.serverStream(CONTROL.status, statusRequest, { signal }, (message) => {
        for (const { cached, name } of messages.statusResponse.decode(message).vertexes) if (cached) found.add(name);
      });
      const message = Buffer.concat([messages.solveRequest.encode({ ...request, ref }), more]);
      const answer = await client.unary(CONTROL.solve, message, { signal });
      await watched;
      const { exporterResponse } = messages.solveResponse.decode(answer);
      return { response: exporterResponse, cached: [...found] };
    } finally {
      client.close();
    }
  };

  const project = (name: string): { frontendAttrs: Record<string, string> } => ({
    frontendAttrs: { "vcs:source": `https://example.test/${name}.git` },
  });

  /** Builds it on one builder and then on another, which must find the last step, and so needs none of the others. */
  const expectShared = async (build: () => Promise<Solved>, lastStep: string, results: number): Promise<void> => {
    const exports = await world().exportsOf(async () => {
      const { cached, response } = await build();
      expect(cached).to.deep.equal([]);
      // The export is ours, and so is what the builder says of it.
      expect(response).to.not.have.property("cache.manifest");
    });
    expect(exports).to.deep.equal({ published: 1 });
    // All but the first step: BuildKit exports no result of one without inputs.
    const [exported] = await world().exports();
    expect(exported?.resultCount).to.equal(results);
    await world().emptyBuilder();
    const before = await world().series();
    expect((await build()).cached).to.deep.equal([lastStep]);
    expect(growth(before, await world().series(), "memobuild_cache_imports_total")).to.deep.equal({ injected: 1 });
  };

  it("is exported and imported where the request holds LLB", async () => {
    const definition = encodeLlb("Definition", filesLlb({ "/a": randomBytes(8).toString("hex"), "/b": "b" }));
    await expectShared(() => solve({ definition, ...project("llb") }), "mkfile /b", 1);
  });

  it("is exported and imported where the request names a frontend", async () => {
    const files = filesLlb({
      "/Dockerfile": "FROM scratch\nCOPY a b /\n",
      "/a": "a",
      "/b": randomBytes(8).toString("hex"),
    });
    const inputs = encodeLlb("FrontendInputs", { inputs: { context: files, dockerfile: files } });
    const build = (): Promise<Solved> => solve({ frontend: "dockerfile.v0", ...project("frontend") }, inputs);
    await expectShared(build, "[1/1] COPY a b /", 3);
  });
});
