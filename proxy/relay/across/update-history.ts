/** Control.UpdateBuildHistory of a farm: for the builder that has the build, else for whichever takes it. */
import { CONTROL } from "../../buildkit/methods.js";
import { refOf } from "../../buildkit/request-subject.js";
import { askBuilders } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";
import type { WhereIs } from "./where-is.js";

/** A builder that is to finalize a build first ends what it still does with it. */
const TIMEOUT_MS = 60_000;

export function updateBuildHistory(whereIs: WhereIs): FarmCall {
  return async (request, { builders, metadata, signal, send }) => {
    const ref = refOf(CONTROL.updateBuildHistory, request);
    const owner = ref === undefined ? undefined : await whereIs.ref(ref, builders, signal);
    const asked = owner === undefined ? builders : [owner];
    const { values } = await askBuilders(asked, { signal, timeoutMs: TIMEOUT_MS }, (client, limited) =>
      client.unary(CONTROL.updateBuildHistory, request, { metadata, signal: limited }),
    );
    await send(values[0] ?? Buffer.alloc(0));
  };
}
