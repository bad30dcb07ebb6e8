/** One builder in the farm: its health, whether it takes builds, and what its frontends can do. */
import type { Duplex } from "node:stream";
import type { Workers } from "../buildkit/workers.js";
import type { Logger } from "../log/create-logger.js";
import { abilitiesOf, type BuilderAbilities } from "./builder-abilities.js";
import type { Builder } from "./builder.js";
import type { Clock } from "./clock.js";
import { withDeadline } from "./deadline.js";
import type { BuilderOrigin, FarmBuilder } from "./farm-builder.js";
import { type Health, HealthMonitor } from "./health.js";

/** The same in every Docker Engine, but for late ones. */
const ENGINE_WORKER_ID = "moby";
const CHECK_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 10_000;
const PING_TIMED_OUT = `no answer within ${PING_TIMEOUT_MS / 1000} s`;

export interface MemberDescription {
  /** For people; unique in the farm. */
  readonly name: string;
  readonly builder: Builder;
  readonly origin: BuilderOrigin;
  readonly resolvedFrom?: string | undefined;
  readonly reachesUsAt?: string | undefined;
  /** The BuildKit inside a Docker Engine, which has versions and fixes of its own. */
  readonly isEngine?: boolean;
}

/** Calls of our own to a builder. */
export interface BuilderProbe {
  /** @throws Error whose message says why it does not answer */
  listWorkers(builder: Builder, signal: AbortSignal): Promise<Workers>;
  /** Bytes of its answer to LLBBridge.Ping. @throws Error */
  ping(builder: Builder, signal: AbortSignal): Promise<Buffer>;
}

export interface MemberDeps {
  readonly probe: BuilderProbe;
  readonly minVersion: string;
  /** Whether there are builders beside it. */
  readonly hasOthers: () => boolean;
  /** Its health is another, or another daemon answers there. */
  readonly onHealth: (member: FarmMember, change: { readonly hasNewState: boolean }) => void;
  /** A check was not even refused; told of each. */
  readonly onSilent: (member: FarmMember) => void;
  /** What is known of it is more now. */
  readonly onKnown: (member: FarmMember) => void;
  readonly logger: Logger;
  readonly clock: Clock;
}

export class FarmMember implements FarmBuilder {
  readonly address: string;
  readonly name: string;
  readonly origin: BuilderOrigin;
  readonly resolvedFrom: string | undefined;
  readonly reachesUsAt: string | undefined;
  /** Somebody wants it to. */
  isDrained = false;
  /** Of the latest lookups of its name, in a row: those that did not lead there. */
  missedLookups = 0;
  readonly #description: MemberDescription;
  readonly #deps: MemberDeps;
  readonly #monitor: HealthMonitor;
  readonly #closed = new AbortController();
  #pong: Buffer | undefined;
  #workerId: string | undefined;
  #version: string | undefined;
  #abilities: BuilderAbilities;
  #pinging: Promise<void> = Promise.resolve();

  constructor(description: MemberDescription, deps: MemberDeps) {
    const { builder, name } = description;
    this.address = builder.address;
    this.name = name;
    this.origin = description.origin;
    this.resolvedFrom = description.resolvedFrom;
    this.reachesUsAt = description.reachesUsAt;
    this.#description = description;
    this.#deps = deps;
    this.#abilities = abilitiesOf(this.#isEngine, undefined);
    this.#monitor = new HealthMonitor({
      name,
      listWorkers: (signal) => deps.probe.listWorkers(builder, signal),
      timeoutMs: CHECK_TIMEOUT_MS,
      minVersion: this.#isEngine ? undefined : deps.minVersion,
      onChange: (health) => {
        this.#changed(health);
      },
      onSilent: () => {
        deps.onSilent(this);
      },
      logger: deps.logger,
      clock: deps.clock,
      random: Math.random,
      hasOthers: deps.hasOthers,
    });
  }

  get health(): Health {
    return this.#monitor.health;
  }

  get isDraining(): boolean {
    return this.isDrained || this.missedLookups > 0;
  }

  get pong(): Buffer | undefined {
    return this.#pong;
  }

  /** As of the last time that it was up. */
  get abilities(): BuilderAbilities {
    return this.#abilities;
  }

  /** Of the daemon that was there last; undefined before the first, and where it has none of its own. */
  get workerId(): string | undefined {
    return this.#workerId === "" || this.#workerId === ENGINE_WORKER_ID ? undefined : this.#workerId;
  }

  dial(signal: AbortSignal): Promise<Duplex> {
    return this.#description.builder.dial(signal);
  }

  start(): void {
    this.#monitor.start();
  }

  /** See HealthMonitor. */
  check(): Promise<Health> {
    return this.#monitor.check();
  }

  suspect(): void {
    this.#monitor.suspect();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#monitor.close();
    await this.#pinging;
  }

  get #isEngine(): boolean {
    return this.#description.isEngine === true;
  }

  #changed(health: Health): void {
    let hasNewState = false;
    if (health.state === "up") {
      const { id, version } = health.workers;
      hasNewState = this.#workerId !== undefined && this.#workerId !== id;
      const isOther = this.#workerId !== id || this.#version !== version;
      this.#workerId = id;
      this.#version = version;
      if (isOther) this.#meet(health.workers);
    }
    this.#deps.onHealth(this, { hasNewState });
  }

  /** A daemon that was not there before. */
  #meet(workers: Workers): void {
    const { logger } = this.#deps;
    this.#abilities = abilitiesOf(this.#isEngine, workers);
    for (const limitation of this.#abilities.limitations)
      logger.warn({ builder: this.name, limitation }, "builder limited");
    this.#pong = undefined;
    this.#pinging = this.#pinging.then(() => this.#ping());
  }

  /** Without the answer, a builder is as good as one that can do nothing special. */
  async #ping(): Promise<void> {
    const { logger, onKnown, probe } = this.#deps;
    try {
      const ask = (signal: AbortSignal): Promise<Buffer> => probe.ping(this.#description.builder, signal);
      this.#pong = await withDeadline(this.#closed.signal, PING_TIMEOUT_MS, PING_TIMED_OUT, ask);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const cause = error instanceof Error ? error.message : String(error);
      logger.debug({ builder: this.name, cause }, "builder did not say what its frontends can do");
      return;
    }
    onKnown(this);
  }
}
