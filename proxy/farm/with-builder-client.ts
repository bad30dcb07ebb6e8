/** Calls of our own to a builder, on a connection that lasts as long as they do. */
import { GrpcClient } from "../grpc/grpc-client.js";
import type { Builder } from "./builder.js";

/** @throws Error whose message says why there is no connection; whatever `use` throws. */
export async function withBuilderClient<T>(
  builder: Builder,
  signal: AbortSignal,
  use: (client: GrpcClient) => Promise<T>,
): Promise<T> {
  const client = new GrpcClient(await builder.dial(signal));
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
