/** The context of a call across a farm, with a client that keeps what it is sent. */
import type { FarmBuilder } from "../../farm/farm-builder.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import type { FarmCallContext } from "../../relay/across/farm-call.js";

export interface FarmClient extends FarmCallContext {
  readonly received: Buffer[];
  readonly responses: HeaderList[];
  /** The client leaves. */
  leave(): void;
}

export function farmClient(builders: readonly FarmBuilder[], metadata: HeaderList = []): FarmClient {
  const abort = new AbortController();
  const received: Buffer[] = [];
  const responses: HeaderList[] = [];
  return {
    ...{ builders, current: () => builders, metadata, received, responses, signal: abort.signal },
    respond: (headers) => {
      responses.push(headers);
    },
    send: (message) => {
      received.push(message);
      return Promise.resolve();
    },
    leave: () => {
      abort.abort();
    },
  };
}
