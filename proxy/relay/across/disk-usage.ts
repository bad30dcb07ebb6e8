/** Control.DiskUsage of a farm: the records of all builders. */
import { CONTROL } from "../../buildkit/methods.js";
import { askBuilders } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";

/** A builder measures what it has not measured yet. */
const TIMEOUT_MS = 60_000;

export const diskUsage: FarmCall = async (request, { builders, metadata, signal, send }) => {
  const { values } = await askBuilders(builders, { signal, timeoutMs: TIMEOUT_MS }, (client, limited) =>
    client.unary(CONTROL.diskUsage, request, { metadata, signal: limited }),
  );
  // The bytes of messages of one kind in a row are one message with the lists of all.
  await send(Buffer.concat(values));
};
