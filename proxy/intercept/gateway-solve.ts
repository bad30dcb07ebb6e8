/** LLBBridge.Solve: a frontend, or LLB, runs; it gets the import of the shared cache. */
import type { Interception } from "../relay/interception.js";
import type { ClientBuilds } from "./client-builds.js";
import { injectIntoGatewaySolve } from "./inject.js";
import type { TrackedBuild } from "./tracked-build.js";

export function interceptGatewaySolve(client: ClientBuilds, build: TrackedBuild): Interception {
  const { guard, messages } = client.deps;
  return {
    request: guard.request("gateway_solve", (message) =>
      client.timed(build, async () => {
        const { builder } = build;
        const request = messages.gatewaySolveRequest.decode(message);
        if (request.definition.length > 0) build.record?.defined(request.definition);
        const entry = await client.importFor(build, { ...build.request.frontendAttrs, ...request.frontendOpt });
        const injected = injectIntoGatewaySolve(messages, message, request, entry);
        // It may have moved meanwhile, to where another call of this is made.
        if (build.builder === builder) build.imports = injected.imports;
        return injected.message;
      }),
    ),
    observeResponse: (message) => {
      if (message === undefined) return;
      guard.look("gateway_solve", () => {
        const { result } = messages.gatewaySolveResponse.decode(message);
        if (result !== null) build.addResult(result);
      });
    },
  };
}
