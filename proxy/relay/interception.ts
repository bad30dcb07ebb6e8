/** The seam to those who look into calls: which calls, and what they may do with the messages. */
import type { Builder } from "../farm/builder.js";
import type { GrpcCode } from "../grpc/grpc-status.js";
import type { HeaderList } from "../grpc/http2/header-list.js";

/** What is done with one call. Messages are without their gRPC prefix; what cannot be read passes as it is. */
export interface Interception {
  /**
   * Gets the first message of the request and the builder that it goes to; the message waits until this resolves with
   * the bytes to send instead. A rejection lets it pass unchanged. Called again where the call moves to another builder.
   */
  readonly request?: (message: Buffer, builder: Builder) => Promise<Buffer>;
  /** Gets the first message of a request that no builder takes; `ended` follows. */
  readonly unsent?: (message: Buffer) => void;
  /**
   * Sees each message of the response, which goes on its way at the same time; undefined, once and last, where one
   * cannot be read.
   */
  readonly observeResponse?: (message: Buffer | undefined) => void;
  /** Sees the bytes of both bodies as they pass, gRPC's framing included; they must not be changed. */
  readonly observeBytes?: ByteObserver;
  /** Gets the first message of the response; what it returns is sent instead, nothing where that is undefined. */
  readonly rewriteResponse?: (message: Buffer) => Buffer | undefined;
  /** Once: the client has its answer, or is gone. `message` says why it failed, where anybody did. */
  readonly ended?: (code: GrpcCode, message: string) => void;
}

export interface ByteObserver {
  fromClient(piece: Buffer): void;
  fromBuilder(piece: Buffer): void;
}

/** What `hook` gives, or `otherwise` where it throws: a fault of those who look into calls is none of the call's. */
export function harmless<T>(hook: () => T, otherwise: T): T {
  try {
    return hook();
  } catch {
    return otherwise;
  }
}

/** Looks into the calls of one client connection. It counts and logs its faults by itself. */
export interface Interceptor {
  /** Undefined where the call is only forwarded. */
  call(path: string, headers: HeaderList): Interception | undefined;
  /** The client connection is gone; its calls have ended. */
  closed(): void;
}
