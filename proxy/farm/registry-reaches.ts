/** Whether and where each builder of the farm reaches the cache registry. */
import type { BuildMessages } from "../buildkit/build-messages.js";
import type { HostPort } from "../config/host-port.js";
import type { Logger } from "../log/create-logger.js";
import type { Builder } from "./builder.js";
import type { FarmBuilder } from "./farm-builder.js";
import { RegistryReach, type ProbedRegistry } from "./registry-reach.js";

export interface RegistryReachesDeps {
  readonly registry: ProbedRegistry;
  /** `--cache-advertise`. */
  readonly advertise: HostPort | undefined;
  readonly messages: BuildMessages;
  /** By address of the builder; undefined where it is not in the farm any more. */
  readonly onChange: (builder: string, isReachable: boolean | undefined) => void;
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

export class RegistryReaches {
  readonly #deps: RegistryReachesDeps;
  /** By address of the builder. */
  readonly #reaches = new Map<string, RegistryReach>();

  constructor(deps: RegistryReachesDeps) {
    this.#deps = deps;
  }

  /** `host:port` for this builder, see `RegistryReach`. */
  async address({ address }: Builder): Promise<string | undefined> {
    return this.#reaches.get(address)?.address();
  }

  add(builder: FarmBuilder): void {
    const { onChange } = this.#deps;
    const { address } = builder;
    const reach = new RegistryReach({
      ...this.#deps,
      builder,
      onChange: (isReachable) => {
        if (this.#reaches.get(address) === reach) onChange(address, isReachable);
      },
    });
    this.#reaches.set(address, reach);
    onChange(address, false);
  }

  builderUp({ address }: Builder): void {
    this.#reaches.get(address)?.builderUp();
  }

  builderDown({ address }: Builder): void {
    this.#reaches.get(address)?.builderDown();
  }

  forget({ address }: Builder): void {
    const reach = this.#reaches.get(address);
    this.#reaches.delete(address);
    this.#deps.onChange(address, undefined);
    void reach?.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#reaches.values()].map((reach) => reach.close()));
  }
}
