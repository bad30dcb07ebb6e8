/** Control.ListWorkers of a farm: the workers of all builders, as those of one daemon. */
import { LIST_WORKERS_PATH } from "../../buildkit/methods.js";
import { askBuilders } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";

/** buildx asks this first, three times for each build, and waits 20 s. */
const TIMEOUT_MS = 3_000;

export const listWorkers: FarmCall = async (request, { builders, metadata, signal, send }) => {
  const known = builders.flatMap(({ health }) => (health.state === "up" ? (health.workers.message ?? []) : []));
  // Those that the health checks asked some seconds ago: workers hardly change while a daemon runs. Filters are theirs.
  if (request.length === 0 && known.length === builders.length) {
    await send(Buffer.concat(known));
    return;
  }
  const { values } = await askBuilders(builders, { signal, timeoutMs: TIMEOUT_MS }, (client, limited) =>
    client.unary(LIST_WORKERS_PATH, request, { metadata, signal: limited }),
  );
  // The bytes of messages of one kind in a row are one message with the lists of all.
  await send(Buffer.concat(values));
};
