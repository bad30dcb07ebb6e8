/** Probe tokens: tell whether whoever was asked to reaches this registry. */
import type { Access } from "./registry-access.js";
import type { Exchange } from "./registry-exchange.js";
import { probePathOf, repositoryOf } from "./registry-paths.js";
import type { Ticket } from "./registry-tokens.js";

const PROBE_TAG = "probe";

export interface Probe {
  /** `<host:port>/<reference>`, resolved as an image, is seen. */
  readonly reference: string;
  /** So is a GET of `http://<host:port><httpPath>`. */
  readonly httpPath: string;
  /** Resolves at the first request; stays pending after `revoke`. */
  readonly seen: Promise<void>;
  readonly revoke: () => void;
}

export class ProbeAccess implements Access, Probe {
  readonly reference: string;
  readonly httpPath: string;
  readonly seen: Promise<void>;
  readonly revoke: () => void;
  readonly #see: () => void;

  constructor({ token, forget }: Ticket) {
    this.reference = `${repositoryOf(token)}:${PROBE_TAG}`;
    this.httpPath = probePathOf(token);
    this.revoke = forget;
    let see: () => void = () => undefined;
    this.seen = new Promise((resolve) => {
      see = resolve;
    });
    this.#see = see;
  }

  serve(exchange: Exchange): void {
    if (exchange.isRead) this.#see();
    exchange.notFound();
  }
}
