/** LLBBridge.Return: the client's build has its result; it is pinned for the export before the build goes on. */
import type { ReturnRequest } from "../buildkit/build-messages.js";
import type { Interception } from "../relay/interception.js";
import type { ClientBuilds } from "./client-builds.js";
import { refsOf } from "./tracked-build.js";
import type { TrackedBuild } from "./tracked-build.js";

export function interceptReturn(client: ClientBuilds, build: TrackedBuild): Interception {
  const { guard, messages } = client.deps;
  return {
    request: guard.request("return", async (message) => {
      await pin(client, build, messages.returnRequest.decode(message));
      return message;
    }),
  };
}

async function pin(client: ClientBuilds, build: TrackedBuild, { error, result }: ReturnRequest): Promise<void> {
  const { builder, cache, readDefinition, registryAddress, writeBehind } = client.deps;
  if (writeBehind === undefined || error.length > 0 || result === null || build.pin !== undefined) return;
  const complete = build.completeResult(result);
  if (complete === undefined || build.identity === undefined) return;
  const registry = await registryAddress();
  if (registry === undefined) return;
  build.definitions = refsOf(complete).map(({ def }) => readDefinition(def));
  build.pin = await writeBehind.pin({
    builder,
    identity: build.identity,
    client: { request: build.request, imports: build.imports, result: complete, definitions: build.definitions },
    slot: cache.beginExport(registry),
  });
  // The client may have left meanwhile.
  if (build.hasEnded) await build.pin?.clientEnded(Promise.resolve("failed"));
}
