/** Puts what depends on each other in order, without recursion: a config of 1 MiB can be 27,000 records deep. */
import type { CacheLayer, CacheRecord } from "./cache-graph.js";

/** Calls `see` for each item that the item depends on. */
export type Dependencies = (index: number, see: (dependency: number) => void) => void;

export const recordLinks =
  (records: readonly Pick<CacheRecord, "inputs">[]): Dependencies =>
  (index, see) => {
    for (const alternatives of records[index]?.inputs ?? []) for (const { link } of alternatives) see(link);
  };

export const layerParents =
  (layers: readonly CacheLayer[]): Dependencies =>
  (index, see) => {
    const parent = layers[index]?.parent ?? -1;
    if (parent !== -1) see(parent);
  };

const NEW = 0;
const OPEN = 1;
const DONE = 2;

/** The numbers below `count`, each behind all that it depends on; undefined where they depend on each other in a circle. */
export function dependenciesFirst(count: number, dependencies: Dependencies): readonly number[] | undefined {
  const order: number[] = [];
  const state = new Uint8Array(count);
  const path: number[] = [];
  const circle = { isFound: false };
  const see = (dependency: number): void => {
    // What is open waits for what is being looked at.
    if (state[dependency] === OPEN) circle.isFound = true;
    else if (state[dependency] === NEW) path.push(dependency);
  };
  for (let first = 0; first < count; first++) {
    path.push(first);
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      if (state[node] === NEW) {
        state[node] = OPEN;
        dependencies(node, see);
        if (circle.isFound) return undefined;
        continue;
      }
      path.pop();
      if (state[node] === OPEN) order.push(node);
      state[node] = DONE;
    }
  }
  return order;
}
