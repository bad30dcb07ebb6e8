/** Builds whose cache is complete: when all their steps are cached, there is nothing new to export. */
import { LRUCache } from "lru-cache";
import type { Definition } from "../buildkit/definition.js";

/** Builders times different builds; one that is forgotten is exported once more. */
const BUILDS_MAX = 10_000;

/** Kept in memory only: after a restart, each build is exported once more. */
export class ExportedBuilds {
  readonly #exported = new LRUCache<string, true>({ max: BUILDS_MAX });

  has(builder: string, definitions: readonly Definition[]): boolean {
    return this.#exported.get(keyOf(builder, definitions)) === true;
  }

  add(builder: string, definitions: readonly Definition[]): void {
    this.#exported.set(keyOf(builder, definitions), true);
  }

  /** Something new was built, or what was exported is gone. */
  remove(builder: string, definitions: readonly Definition[]): void {
    this.#exported.delete(keyOf(builder, definitions));
  }

  clear(): void {
    this.#exported.clear();
  }
}

const keyOf = (builder: string, definitions: readonly Definition[]): string =>
  [builder, ...definitions.map(({ stableDigest }) => stableDigest)].join("\n");
