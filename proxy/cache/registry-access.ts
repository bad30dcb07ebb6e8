/** What a token of the registry lets its holder do: the seam between the server and each kind of token. */
import type { Exchange } from "./registry-exchange.js";
import type { RegistryPath } from "./registry-paths.js";

export interface Access {
  /** Answers the request, or has it cut. A rejection is a fault of ours. */
  serve(exchange: Exchange, path: RegistryPath): void | Promise<void>;
  /** The token is not known any more; more than once does no harm. */
  readonly revoke: () => void;
}
