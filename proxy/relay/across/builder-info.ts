/** Control.Info of a farm: of the builder with the lowest version, since a client must expect no more than it has. */
import { CONTROL } from "../../buildkit/methods.js";
import { isOlderVersion } from "../../farm/builder-version.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { askBuilder, commonFailure } from "./ask-builders.js";
import type { Failure } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";

const TIMEOUT_MS = 3_000;

export const builderInfo: FarmCall = async (request, { builders, metadata, signal, send }) => {
  const failures: Failure[] = [];
  for (const builder of lowestFirst(builders)) {
    try {
      const answer = await askBuilder(builder, { signal, timeoutMs: TIMEOUT_MS }, (client, limited) =>
        client.unary(CONTROL.info, request, { metadata, signal: limited }),
      );
      await send(answer);
      return;
    } catch (error) {
      failures.push({ builder, error });
    }
  }
  throw commonFailure(failures);
};

/** Those whose version says nothing come last. */
function lowestFirst(builders: readonly FarmBuilder[]): FarmBuilder[] {
  const isOlder = (one: FarmBuilder, than: FarmBuilder): boolean | undefined =>
    isOlderVersion(versionOf(one), versionOf(than));
  const comparable = builders.filter((builder) => isOlder(builder, builder) !== undefined);
  const sorted = comparable.toSorted((a, b) => Number(isOlder(b, a)) - Number(isOlder(a, b)));
  return [...sorted, ...builders.filter((builder) => !comparable.includes(builder))];
}

const versionOf = ({ health }: FarmBuilder): string => (health.state === "up" ? health.workers.version : "");
