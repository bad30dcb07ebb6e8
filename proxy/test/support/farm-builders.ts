/** Builders of a farm in memory, which a test lets go down, drain and come back; nobody dials them. */
import type { FarmBuilder } from "../../farm/farm-builder.js";

/** All may be set at any time. */
export type MemoryFarmBuilder = { -readonly [Field in keyof FarmBuilder]: FarmBuilder[Field] };

export function memoryFarmBuilder(address: string, platforms: readonly string[] = ["linux/amd64"]): MemoryFarmBuilder {
  return {
    ...{ address, name: address, origin: "configured", isDraining: false, pong: undefined },
    health: { state: "up", workers: { id: address, version: "v0.32.2", platforms, labels: {} }, sinceMs: 0 },
    dial: () => Promise.reject(new Error("a builder in memory takes no connection")),
  };
}
