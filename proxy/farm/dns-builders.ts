/** Keeps looking up the addresses behind a name, each of which is a builder. */
import { lookup } from "node:dns/promises";
import type { BuilderAddress, DnsAddress } from "../config/builder-address.js";
import { formatBuilderAddress } from "../config/builder-address.js";
import type { Logger } from "../log/create-logger.js";
import type { Clock } from "./clock.js";

const LOOKUP_INTERVAL_MS = 10_000;

/** All IPv4 and IPv6 addresses of a host name. @throws Error */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** As the system does it: with its search domains, which a name in Kubernetes may need, and its hosts file. */
export const systemLookup: Lookup = async (host) =>
  (await lookup(host, { all: true, order: "verbatim" })).map(({ address }) => address);

export interface DnsBuildersDeps {
  readonly name: DnsAddress;
  readonly lookup: Lookup;
  /** What every successful lookup found, ordered, each once. */
  readonly onFound: (addresses: readonly BuilderAddress[]) => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

export class DnsBuilders {
  readonly #deps: DnsBuildersDeps;
  #cancelNext: () => void = () => undefined;
  /** That the lookup fails is known, and logged. */
  #isFailing = false;
  #isClosed = false;

  constructor(deps: DnsBuildersDeps) {
    this.#deps = deps;
  }

  start(): void {
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelNext();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { clock, logger, lookup: find, name, onFound } = this.#deps;
    const builders = formatBuilderAddress(name);
    try {
      const found = await find(name.host);
      if (this.#isClosed) return;
      if (this.#isFailing) logger.info({ builders }, "builders found again");
      this.#isFailing = false;
      onFound([...new Set(found)].sort().map((host) => addressOf(name, host)));
    } catch (error) {
      if (this.#isClosed) return;
      const cause = error instanceof Error ? error.message : String(error);
      if (!this.#isFailing) logger.warn({ builders, cause }, "builders not found; those that are known stay");
      this.#isFailing = true;
    }
    this.#cancelNext = clock.after(LOOKUP_INTERVAL_MS, () => {
      void this.#look();
    });
  }
}

/** The certificate is that of the name. */
function addressOf({ host: name, port, tls }: DnsAddress, host: string): BuilderAddress {
  if (tls === undefined) return { kind: "tcp", host, port };
  return { kind: "tcp", host, port, tls: { ...tls, serverName: tls.serverName ?? name } };
}
