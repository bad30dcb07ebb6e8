/** A BuildKit daemon as the other parts see it: an address for people, and a way to a connected socket. */
import type { Duplex } from "node:stream";

export interface Builder {
  /** Scheme and address; fit for logs, labels and messages to clients. */
  readonly address: string;
  /**
   * A new connection on which the daemon expects an HTTP/2 client's preface.
   *
   * @throws Error whose message says why there is none; also when `signal` aborts.
   */
  dial(signal: AbortSignal): Promise<Duplex>;
}
