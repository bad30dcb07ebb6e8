/** Control.Prune of a farm: all builders prune, and the client hears of each record as it goes. */
import { CONTROL } from "../../buildkit/methods.js";
import { GrpcError } from "../../grpc/grpc-client.js";
import { askBuilders, causeOf } from "./ask-builders.js";
import type { FarmCall } from "./farm-call.js";

export const prune: FarmCall = async (request, { builders, current, metadata, signal, send }) => {
  const { failures } = await askBuilders(builders, { current, signal }, (client, limited) =>
    client.serverStream(CONTROL.prune, request, { metadata, signal: limited }, send),
  );
  if (failures.length === 0) return;
  throw new GrpcError("UNAVAILABLE", `memobuild: not pruned everywhere: ${failures.map(causeOf).join("; ")}`);
};
