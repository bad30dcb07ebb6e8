/** Finds for each step of a build the same step of another one, also where instructions were added, removed or changed. */
import type { StepRecord } from "./build-record.js";
import { parseStepName } from "./step-name.js";

/** Comparing all with all is only worth it up to here; beyond, steps go together by their position. */
const CELLS_MAX = 4_000_000;
const UNNAMED_STAGE = /^stage-\d+$/;

/** A step and its index in the record. */
interface Placed {
  readonly index: number;
  readonly step: StepRecord;
}

/** For each step of `after`, the index of its counterpart in `before`. None is the counterpart of two. */
export function alignSteps(
  before: readonly StepRecord[],
  after: readonly StepRecord[],
): readonly (number | undefined)[] {
  const counterparts: (number | undefined)[] = after.map(() => undefined);
  const pair = ({ index }: Placed, later: Placed): void => {
    counterparts[later.index] = index;
  };
  const [earlier, later] = [stagesOf(before), stagesOf(after)];
  for (const [name, stage] of later) alignStage(earlier.get(name) ?? [], stage, pair);
  // A stage without a name is called by its number, which others before it change.
  const isLeft = ([name]: [string, Placed[]], others: ReadonlyMap<string, unknown>): boolean =>
    UNNAMED_STAGE.test(stageIn(name)) && !others.has(name);
  const unnamed = [...earlier].filter((entry) => isLeft(entry, later));
  for (const [name, stage] of [...later].filter((entry) => isLeft(entry, earlier))) {
    const at = unnamed.findIndex(([other]) => platformIn(other) === platformIn(name));
    const [found] = at < 0 ? [] : unnamed.splice(at, 1);
    if (found !== undefined) alignStage(found[1], stage, pair);
  }
  pairByKey(before, after, counterparts);
  return counterparts;
}

const SEPARATOR = "\n";
const platformIn = (name: string): string => name.split(SEPARATOR)[0] ?? "";
const stageIn = (name: string): string => name.split(SEPARATOR)[1] ?? "";

/** By platform and stage; sources apart, as their order is of no meaning. */
function stagesOf(steps: readonly StepRecord[]): Map<string, Placed[]> {
  const stages = new Map<string, Placed[]>();
  steps.forEach((step, index) => {
    const { platform } = parseStepName(step.name);
    const name = [platform, step.stage, step.stage === "" ? step.kind : ""].join(SEPARATOR);
    const stage = stages.get(name);
    if (stage === undefined) stages.set(name, [{ index, step }]);
    else stage.push({ index, step });
  });
  for (const stage of stages.values())
    stage.sort((a, b) => positionOf(a.step) - positionOf(b.step) || a.index - b.index);
  return stages;
}

/** In its stage, as in "[build 3/7]"; progress may tell of steps in any order. */
const positionOf = ({ name }: StepRecord): number =>
  Number(/(\d+)\/\d+\] $/.exec(parseStepName(name).prefix)?.[1] ?? 0);

type Pair = (before: Placed, after: Placed) => void;

/** First those that are the same, then in the gaps between them those of one instruction, such as RUN. */
function alignStage(before: readonly Placed[], after: readonly Placed[], pair: Pair): void {
  alignGaps(before, after, textOf, pair, (earlier, later) => {
    alignGaps(earlier, later, verbOf, pair, () => undefined);
  });
}

const textOf = ({ step }: Placed): string => {
  const { mark, rest } = parseStepName(step.name);
  return `${step.kind} ${mark}${step.instruction === "" ? rest : step.instruction}`;
};

const verbOf = ({ step }: Placed): string => {
  const { mark, rest } = parseStepName(step.name);
  return `${step.kind} ${mark}${(/^\S*/.exec(rest)?.[0] ?? "").toUpperCase()}`;
};

type Gap = (before: readonly Placed[], after: readonly Placed[]) => void;

/** Pairs along a longest common subsequence, and hands on what lies between. */
function alignGaps(
  before: readonly Placed[],
  after: readonly Placed[],
  tokenOf: (placed: Placed) => string,
  pair: Pair,
  gap: Gap,
): void {
  let [earlier, later] = [0, 0];
  const closeGap = (toEarlier: number, toLater: number): void => {
    if (toEarlier > earlier && toLater > later) gap(before.slice(earlier, toEarlier), after.slice(later, toLater));
  };
  for (const [a, b] of commonSubsequence(before.map(tokenOf), after.map(tokenOf))) {
    closeGap(a, b);
    const [from, to] = [before[a], after[b]];
    if (from !== undefined && to !== undefined) pair(from, to);
    [earlier, later] = [a + 1, b + 1];
  }
  closeGap(before.length, after.length);
}

type IndexPair = readonly [before: number, after: number];

/** Pairs of equal tokens, both indexes growing, as many as there can be. */
export function commonSubsequence(before: readonly string[], after: readonly string[]): IndexPair[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - start;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const pairs: IndexPair[] = [];
  for (let i = 0; i < start; i += 1) pairs.push([i, i]);
  const middle = middlePairs(before.slice(start, before.length - tail), after.slice(start, after.length - tail));
  for (const [a, b] of middle) pairs.push([a + start, b + start]);
  for (let i = tail; i > 0; i -= 1) pairs.push([before.length - i, after.length - i]);
  return pairs;
}

function middlePairs(before: readonly string[], after: readonly string[]): IndexPair[] {
  const width = after.length + 1;
  if (before.length * after.length > CELLS_MAX)
    return before.flatMap((token, index) => (token === after[index] ? [[index, index] as const] : []));
  // Lengths of the longest common subsequences of what comes from each pair of places on.
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (a: number, b: number): number => lengths[a * width + b] ?? 0;
  for (let a = before.length - 1; a >= 0; a -= 1)
    for (let b = after.length - 1; b >= 0; b -= 1)
      lengths[a * width + b] = before[a] === after[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
  const pairs: IndexPair[] = [];
  for (let [a, b] = [0, 0]; a < before.length && b < after.length;) {
    if (before[a] === after[b]) pairs.push([a++, b++]);
    else if (at(a + 1, b) >= at(a, b + 1)) a += 1;
    else b += 1;
  }
  return pairs;
}

/** For a stage that has another name now, and for builds without a Dockerfile. */
function pairByKey(
  before: readonly StepRecord[],
  after: readonly StepRecord[],
  counterparts: (number | undefined)[],
): void {
  const taken = new Set(counterparts);
  const free = new Map<string, number>();
  before.forEach(({ key }, index) => {
    if (key !== "" && !taken.has(index)) free.set(key, index);
  });
  after.forEach(({ key }, index) => {
    const found = free.get(key);
    if (counterparts[index] !== undefined || found === undefined) return;
    counterparts[index] = found;
    free.delete(key);
  });
}
