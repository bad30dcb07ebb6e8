/** What a client reads when no builder takes its build, and what to do. */
import type { FarmBuilder } from "./farm-builder.js";
import type { Refusal } from "./placement.js";

/** The message is sent as gRPC metadata: a large farm is not named whole. */
const NAMED_BUILDERS_MAX = 10;

export interface Refused {
  readonly builder: FarmBuilder;
  readonly refusal: Refusal;
}

/** @param refused all of the farm. */
export function noneTakesText(refused: readonly Refused[]): string {
  const causes = refused.slice(0, NAMED_BUILDERS_MAX).map(causeText);
  const more = refused.length - causes.length;
  if (more > 0) causes.push(`and so on for ${more} more`);
  return `no builder takes the build: ${causes.join("; ") || "there is none"}`;
}

/** @param refused undefined where it is no longer in the farm. */
export function pinnedText(address: string, refused: Refused | undefined): string {
  const cause = refused === undefined ? `${address} is gone` : causeText(refused);
  return `this client's builds are on a builder that takes no more: ${cause}`;
}

export interface Busy {
  readonly builders: number;
  readonly maxClients: number | undefined;
  /** Address of the only builder that will do. */
  readonly stayOn: string | undefined;
}

export function timedOutText(waitedMs: number, busy: Busy): string {
  return `no builder was free within ${Math.max(1, Math.round(waitedMs / 1000))} s: ${busyText(busy)}`;
}

export function queueFullText(waiting: number, busy: Busy): string {
  return `${waiting} builds wait for a builder already: ${busyText(busy)}`;
}

function busyText({ builders, maxClients, stayOn }: Busy): string {
  const who =
    stayOn === undefined
      ? `${builders} ${builders === 1 ? "builder takes" : "builders take"}`
      : `${stayOn}, where this client's other builds are, takes`;
  const limit = `at most ${maxClients ?? "any number of"} ${maxClients === 1 ? "client" : "clients"} each`;
  return `${who} ${limit}; more builders help, or a higher --builder-max-clients`;
}

function causeText({ builder, refusal }: Refused): string {
  const { address, health } = builder;
  switch (refusal) {
    case "excluded":
      return `${address} failed for this build`;
    case "draining":
      return `${address} is draining`;
    case "down":
    case "refused":
      return "cause" in health ? `${address} is ${health.state}: ${health.cause}` : `${address} is ${health.state}`;
  }
}
