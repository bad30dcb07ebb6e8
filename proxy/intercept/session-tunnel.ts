/** Control.Session: remembers whose it is, and reads along which files the client sends. */
import { TunnelReader } from "../buildkit/tunnel/tunnel-reader.js";
import { headerValue, type HeaderList } from "../grpc/http2/header-list.js";
import type { Interception } from "../relay/interception.js";
import type { ClientBuilds } from "./client-builds.js";

/** Of one connection; a client has one for each target, and few more. */
const SESSIONS_MAX = 1_000;

export function interceptSession(client: ClientBuilds, headers: HeaderList): Interception | undefined {
  const { sharedKeys } = client;
  const id = headerValue(headers, "x-docker-expose-session-uuid");
  if (id === undefined || sharedKeys.has(id) || sharedKeys.size >= SESSIONS_MAX) return undefined;
  const sharedKey = headerValue(headers, "x-docker-expose-session-sharedkey") ?? "";
  sharedKeys.set(id, sharedKey);
  const reader = new TunnelReader({
    hashKey: client.deps.hashKey,
    onTransfer: (transfer) => {
      for (const { record } of client.builds.values())
        if (record?.sessions.has(id) === true) record.transferred(transfer, sharedKey);
    },
  });
  return {
    observeBytes: reader,
    ended: () => {
      reader.ended();
      sharedKeys.delete(id);
      if (!reader.isLegible) client.deps.guard.failed("session", new Error("the session could not be read along"));
    },
  };
}
