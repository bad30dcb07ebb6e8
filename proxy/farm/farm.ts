/** All builders: those of the options, those behind names, managed and added ones, with their health. */
import { Gauge, type Registry } from "prom-client";
import type { BuilderAddress, DnsAddress } from "../config/builder-address.js";
import { builderAddress, formatBuilderAddress } from "../config/builder-address.js";
import type { Logger } from "../log/create-logger.js";
import { BuilderError } from "./builder-desk.js";
import type { Builder } from "./builder.js";
import type { Clock } from "./clock.js";
import { addressBuilder } from "./dial.js";
import { DnsBuilders, type Lookup } from "./dns-builders.js";
import { BUILDER_ORIGINS, type BuilderOrigin, type FarmView, isUp } from "./farm-builder.js";
import { type BuilderProbe, FarmMember, type MemberDescription } from "./farm-member.js";
import type { KeptBuilders } from "./kept-builders.js";

/**
 * "down": it takes no builds, also because it is refused. "silent": a check was not even refused; told of each, so more
 * than once while it is down. "changed": draining, or what is known of it.
 */
export type FarmEvent =
  | { readonly type: "up"; readonly builder: FarmMember; readonly hasNewState: boolean }
  | { readonly type: "down" | "silent" | "added" | "removed" | "changed"; readonly builder: FarmMember };

export type FarmListener = (event: FarmEvent) => void;

export interface FarmDeps {
  readonly addresses: readonly BuilderAddress[];
  readonly names: readonly DnsAddress[];
  readonly minVersion: string;
  readonly kept: KeptBuilders;
  /** Whether nobody builds on the builder at this address. */
  readonly isIdle: (address: string) => boolean;
  readonly probe: BuilderProbe;
  readonly lookup: Lookup;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * A builder that its name does not lead to so many times in a row is gone: it may have failed one probe of readiness,
 * and some servers tell of a part of the addresses only.
 */
const MISSED_LOOKUPS_MAX = 3;
const GAUGE_STATES = ["up", "down", "refused", "unknown", "draining"] as const;

export class Farm implements FarmView {
  readonly #deps: FarmDeps;
  readonly #names: readonly DnsBuilders[];
  readonly #listeners: FarmListener[] = [];
  #members: readonly FarmMember[] = [];
  /** Addresses that somebody removed, and to which a name still leads. */
  readonly #unwanted = new Map<string, Unwanted>();
  /** Pairs of members with one worker id that were told. */
  readonly #toldTwins = new Set<string>();
  /** Members that were removed, until they have ended. */
  readonly #leaving = new Set<Promise<void>>();
  #isRunning = false;

  /** @throws BuilderError where an address is given twice */
  constructor(deps: FarmDeps) {
    this.#deps = deps;
    for (const address of deps.addresses) this.#join(describe(address, "configured"));
    for (const text of deps.kept.addedAddresses()) this.#restore(text);
    this.#names = deps.names.map(
      (name) =>
        new DnsBuilders({
          name,
          lookup: deps.lookup,
          onFound: (addresses) => {
            this.#found(formatBuilderAddress(name), addresses);
          },
          logger: deps.logger,
          clock: deps.clock,
        }),
    );
    this.#registerGauges();
  }

  get builders(): readonly FarmMember[] {
    return this.#members;
  }

  /** Begins with the first checks. That a builder is down stops nothing. */
  start(): void {
    this.#isRunning = true;
    for (const member of this.#members) member.start();
    for (const name of this.#names) name.start();
  }

  async close(): Promise<void> {
    this.#isRunning = false;
    for (const name of this.#names) name.close();
    await Promise.all([...this.#members.map((member) => member.close()), ...this.#leaving]);
  }

  /** Listeners are called at once, in their order, and throw nothing. What was there before is not told anew. */
  onChange(listener: FarmListener): void {
    this.#listeners.push(listener);
  }

  suspect(builder: Builder): void {
    this.#members.find(({ address }) => address === builder.address)?.suspect();
  }

  find(nameOrAddress: string): FarmMember | undefined {
    return this.#members.find(({ address, name }) => name === nameOrAddress || address === nameOrAddress);
  }

  /**
   * It is there after a restart too.
   *
   * @param text as `--builder` takes an address
   * @throws BuilderError
   */
  add(text: string): FarmMember {
    const member = this.#join(describe(parseOne(text), "added"));
    this.#deps.kept.add(member.name, text);
    return member;
  }

  /** A builder that MemoBuild runs itself. @throws BuilderError */
  addManaged(description: MemberDescription): FarmMember {
    return this.#join(description);
  }

  /** It finishes what it has, also after a restart. @throws BuilderError */
  drain(nameOrAddress: string): FarmMember {
    return this.#setDrained(nameOrAddress, true);
  }

  /** @throws BuilderError */
  undrain(nameOrAddress: string): FarmMember {
    return this.#setDrained(nameOrAddress, false);
  }

  /** The builder, where it may be removed. @throws BuilderError */
  removable(nameOrAddress: string): FarmMember {
    const member = this.#known(nameOrAddress);
    if (this.#members.length > 1) return member;
    throw new BuilderError("last", `${member.name} is the last builder: add another one before`);
  }

  /** At once: whoever builds there has ended before. @throws BuilderError */
  remove(nameOrAddress: string): void {
    const member = this.removable(nameOrAddress);
    const { address, missedLookups, resolvedFrom } = member;
    if (resolvedFrom !== undefined) this.#unwanted.set(address, { resolvedFrom, missedLookups });
    this.#leave(member);
  }

  #known(nameOrAddress: string): FarmMember {
    const member = this.find(nameOrAddress);
    if (member !== undefined) return member;
    throw new BuilderError("unknown", `there is no builder ${nameOrAddress}`);
  }

  #setDrained(nameOrAddress: string, isDrained: boolean): FarmMember {
    const member = this.#known(nameOrAddress);
    this.#deps.kept.setDraining(member.name, isDrained);
    if (member.isDrained === isDrained) return member;
    member.isDrained = isDrained;
    this.#drainingChanged(member);
    return member;
  }

  #drainingChanged(member: FarmMember): void {
    const { logger } = this.#deps;
    logger.info({ builder: member.name }, member.isDraining ? "builder draining" : "builder takes builds again");
    this.#emit({ type: "changed", builder: member });
  }

  #join(description: MemberDescription): FarmMember {
    const { builder, name } = description;
    if (this.find(name) !== undefined || this.find(builder.address) !== undefined) {
      throw new BuilderError("exists", `there is a builder ${name} already`);
    }
    const { clock, kept, logger, minVersion, probe } = this.#deps;
    const member = new FarmMember(description, {
      ...{ clock, logger, minVersion, probe },
      hasOthers: () => this.#members.length > 1,
      onHealth: (changed, { hasNewState }) => {
        this.#healthChanged(changed, hasNewState);
      },
      onSilent: (silent) => {
        this.#emit({ type: "silent", builder: silent });
      },
      onKnown: (changed) => {
        this.#emit({ type: "changed", builder: changed });
      },
    });
    member.isDrained = kept.isDraining(name);
    this.#members = [...this.#members, member].sort(inOrder);
    logger.info({ builder: name, origin: member.origin }, "builder added");
    if (member.isDrained) logger.info({ builder: name }, "builder draining");
    this.#emit({ type: "added", builder: member });
    if (this.#isRunning) member.start();
    return member;
  }

  #leave(member: FarmMember): void {
    this.#members = this.#members.filter((other) => other !== member);
    this.#deps.kept.forget(member.name);
    const ended = member.close().finally(() => {
      this.#leaving.delete(ended);
    });
    this.#leaving.add(ended);
    this.#deps.logger.info({ builder: member.name }, "builder removed");
    this.#emit({ type: "removed", builder: member });
  }

  /** One that was added at run time, before a restart. */
  #restore(text: string): void {
    try {
      const description = describe(parseOne(text), "added");
      // Since then it may have been given as an option, too.
      if (this.find(description.name) === undefined) this.#join(description);
    } catch (error) {
      if (!(error instanceof BuilderError)) throw error;
      this.#deps.logger.warn({ cause: error.message }, "builder that was added is left out");
    }
  }

  /** @param from the name that leads to these addresses now */
  #found(from: string, addresses: readonly BuilderAddress[]): void {
    const texts = new Set(addresses.map(formatBuilderAddress));
    for (const member of this.#members.filter(({ resolvedFrom }) => resolvedFrom === from)) {
      this.#looked(member, texts.has(member.address));
      if (member.missedLookups >= MISSED_LOOKUPS_MAX && this.#deps.isIdle(member.address)) this.#leave(member);
    }
    for (const [address, { resolvedFrom, missedLookups }] of this.#unwanted) {
      if (resolvedFrom !== from) continue;
      const missed = texts.has(address) ? 0 : missedLookups + 1;
      if (missed >= MISSED_LOOKUPS_MAX) this.#unwanted.delete(address);
      else this.#unwanted.set(address, { resolvedFrom, missedLookups: missed });
    }
    for (const address of addresses) {
      const text = formatBuilderAddress(address);
      if (this.#unwanted.has(text) || this.find(text) !== undefined) continue;
      this.#join({ ...describe(address, "resolved"), resolvedFrom: from });
    }
  }

  /** What is missing gets no more builds from the first time on. */
  #looked(member: FarmMember, isThere: boolean): void {
    const wasDraining = member.isDraining;
    member.missedLookups = isThere ? 0 : member.missedLookups + 1;
    if (member.isDraining !== wasDraining) this.#drainingChanged(member);
  }

  #healthChanged(member: FarmMember, hasNewState: boolean): void {
    if (!isUp(member)) {
      this.#emit({ type: "down", builder: member });
      return;
    }
    this.#tellTwins(member);
    this.#emit({ type: "up", builder: member, hasNewState });
  }

  /** One daemon under two addresses counts as two builders: what it takes, it takes twice. */
  #tellTwins(member: FarmMember): void {
    const { workerId } = member;
    if (workerId === undefined) return;
    for (const other of this.#members) {
      if (other === member || other.workerId !== workerId || !isUp(other)) continue;
      const pair = [member.name, other.name].sort().join(" ");
      if (this.#toldTwins.has(pair)) continue;
      this.#toldTwins.add(pair);
      this.#deps.logger.warn({ builder: member.name, other: other.name, workerId }, "two builders are one daemon");
    }
  }

  #emit(event: FarmEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Filled when they are read, so that a builder that is gone leaves nothing behind. */
  #registerGauges(): void {
    const members = (): readonly FarmMember[] => this.#members;
    const registers = [this.#deps.registry];
    new Gauge({
      name: "memobuild_builder_up",
      help: "Whether the builder answers and is used (1) or not (0).",
      labelNames: ["builder"],
      registers,
      collect() {
        this.reset();
        for (const member of members()) this.set({ builder: member.address }, isUp(member) ? 1 : 0);
      },
    });
    new Gauge({
      name: "memobuild_builders",
      help: "Builders by state; what is up and gets no more builds is draining.",
      labelNames: ["state"],
      registers,
      collect() {
        for (const state of GAUGE_STATES) {
          this.set({ state }, members().filter((member) => gaugeStateOf(member) === state).length);
        }
      },
    });
  }
}

interface Unwanted {
  readonly resolvedFrom: string;
  /** In a row. */
  readonly missedLookups: number;
}

const gaugeStateOf = (member: FarmMember): (typeof GAUGE_STATES)[number] =>
  isUp(member) && member.isDraining ? "draining" : member.health.state;

const rank = ({ origin }: FarmMember): number => BUILDER_ORIGINS.indexOf(origin);

function inOrder(one: FarmMember, other: FarmMember): number {
  if (one.origin !== "resolved" || other.origin !== "resolved") return rank(one) - rank(other);
  return one.address < other.address ? -1 : 1;
}

function describe(address: BuilderAddress, origin: BuilderOrigin): MemberDescription {
  const builder = addressBuilder(address);
  return { name: builder.address, builder, origin, isEngine: address.kind === "docker" };
}

function parseOne(text: string): BuilderAddress {
  const { data, error } = builderAddress.safeParse(text);
  if (error !== undefined) throw new BuilderError("bad_address", error.issues.map(({ message }) => message).join("; "));
  if (data.kind !== "dns+tcp") return data;
  throw new BuilderError(
    "bad_address",
    `${formatBuilderAddress(data)} may be many builders: give it to --builder at start`,
  );
}
