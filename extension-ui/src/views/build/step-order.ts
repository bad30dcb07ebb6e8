/** Steps after those that they need. */
import type { GraphEdge } from "./step-types.js";

/**
 * The ids, each after those that edges lead from; edges of other ids do not count. What is part of a ring, which no
 * build has but stages of builds may, stands at the end.
 */
export function inOrder(ids: readonly number[], edges: readonly GraphEdge[]): readonly number[] {
  const waitsFor = new Map(ids.map((id) => [id, 0]));
  const nexts = new Map<number, number[]>();
  for (const { from, to } of edges) {
    const waits = waitsFor.get(to);
    if (waits === undefined || !waitsFor.has(from)) continue;
    waitsFor.set(to, waits + 1);
    const known = nexts.get(from);
    if (known === undefined) nexts.set(from, [to]);
    else known.push(to);
  }
  const ordered = ids.filter((id) => waitsFor.get(id) === 0);
  // Grows while it is walked.
  for (const id of ordered) {
    for (const next of nexts.get(id) ?? []) {
      const waits = (waitsFor.get(next) ?? 0) - 1;
      waitsFor.set(next, waits);
      if (waits === 0) ordered.push(next);
    }
  }
  const found = new Set(ordered);
  return [...ordered, ...ids.filter((id) => !found.has(id))];
}
