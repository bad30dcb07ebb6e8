/** Which known name a mistyped one was probably meant to be. */

/** More is another word rather than a slip. */
const MAX_EDITS = 2;

/** Levenshtein distance, one row of the table at a time. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The message for an option that does not exist, with the nearest name where one is near. */
export function unknownOption(name: string, known: readonly string[]): string {
  const longestCompared = 64;
  const [nearest] = known
    .map((candidate) => ({ candidate, edits: distance(name.slice(0, longestCompared), candidate) }))
    .sort((one, other) => one.edits - other.edits);
  const isNear = nearest !== undefined && nearest.edits <= MAX_EDITS;
  return isNear ? `unknown option, did you mean ${nearest.candidate}?` : "unknown option";
}
