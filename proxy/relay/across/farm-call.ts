/** The seam of calls that all builders answer together, for a client that takes them for one daemon. */
import type { FarmBuilder } from "../../farm/farm-builder.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";

export interface FarmCallContext {
  /** Those that answer, in the farm's order; at least one. */
  readonly builders: readonly FarmBuilder[];
  /** Those that answer by now, for calls that last. */
  readonly current: () => readonly FarmBuilder[];
  /** The client's request metadata, fit to be sent on: without pseudo-headers and what belongs to its connection. */
  readonly metadata: HeaderList;
  /** The client has cancelled, or is gone. */
  readonly signal: AbortSignal;
  /** Adds response metadata and sends it now; without it, plain headers go out before the first message. */
  readonly respond: (metadata: HeaderList) => void;
  /** Resolves when the client has room for more. */
  readonly send: (message: Buffer) => Promise<void>;
}

/**
 * Answers one call with one request message. Resolves: the call ends with OK.
 *
 * @throws GrpcError, whose code and message the client gets; UNAVAILABLE for any other error
 */
export type FarmCall = (request: Buffer, context: FarmCallContext) => Promise<void>;
