/** LLBBridge.Return: the client's build has its result; it is pinned for the export before the build goes on. */
import type { ReturnRequest } from "../buildkit/build-messages.js";
import type { ExportResult } from "../writeback/write-behind-metrics.js";
import type { Pin } from "../writeback/write-behind.js";
import type { Interception } from "../relay/interception.js";
import type { ClientBuilds } from "./client-builds.js";
import { refsOf } from "./tracked-build.js";
import type { TrackedBuild } from "./tracked-build.js";

export function interceptReturn(client: ClientBuilds, build: TrackedBuild): Interception {
  const { guard, messages } = client.deps;
  return {
    request: guard.request("return", (message) =>
      client.timed(build, async () => {
        build.pinning ??= pin(client, build, messages.returnRequest.decode(message));
        await build.pinning;
        return message;
      }),
    ),
  };
}

/** Undefined where there will be no export. */
async function pin(
  client: ClientBuilds,
  build: TrackedBuild,
  { error, result }: ReturnRequest,
): Promise<Pin | ExportResult | undefined> {
  const { readDefinition, sharing } = client.deps;
  if (sharing?.writeBehind === undefined || error.length > 0 || result === null) return undefined;
  if (!sharing.canExport(build.builder)) return undefined;
  const { cache, writeBehind } = sharing;
  const complete = build.completeResult(result);
  if (complete === undefined || build.identity === undefined) return undefined;
  const registry = await client.registryFor(build);
  if (registry === undefined || build.hasEnded) return undefined;
  build.definitions = refsOf(complete).map(({ def }) => readDefinition(def));
  // Just an image, say.
  if (build.definitions.every(({ steps }) => steps.length === 0)) return undefined;
  return writeBehind.pin({
    builder: build.builder,
    identity: build.identity,
    client: { request: build.request, imports: build.imports, result: complete, definitions: build.definitions },
    slot: cache.beginExport(registry),
  });
}
