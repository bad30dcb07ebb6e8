/** A builder of the farm as placement sees it, always as it stands now. */
import type { FarmBuilder } from "./farm-builder.js";
import type { Candidate } from "./placement.js";

const NOT_KNOWN: readonly string[] = [];

/** Asks rather than copies: a placement in a large farm is over before as many copies would be made. */
export class BuilderPlaces implements Candidate {
  readonly builder: FarmBuilder;
  readonly address: string;
  readonly maxClients: number | undefined;
  /** Kept by the queue. */
  clients: number;

  constructor(builder: FarmBuilder, maxClients: number | undefined, clients: number) {
    this.builder = builder;
    this.address = builder.address;
    this.maxClients = maxClients;
    this.clients = clients;
  }

  get state(): Candidate["state"] {
    return this.builder.health.state;
  }

  get isDraining(): boolean {
    return this.builder.isDraining;
  }

  get platforms(): readonly string[] {
    const { health } = this.builder;
    return health.state === "up" ? health.workers.platforms : NOT_KNOWN;
  }
}
