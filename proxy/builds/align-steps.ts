/** Finds for each step of a build the same step of another one, also where instructions were added, removed or changed. */
import type { StepRecord } from "./build-record.js";
import { parseStepName, type StepName } from "./step-name.js";

/** Comparing all with all is only worth it up to here; beyond, steps go together by their position. */
const CELLS_MAX = 4_000_000;
/** Stages that are left over are compared with each other only up to here. */
const STAGES_MAX = 100;

/** A step and its index in the record. */
interface Placed {
  readonly index: number;
  readonly step: StepRecord;
  readonly name: StepName;
}

const placed = (step: StepRecord, index: number): Placed => ({ index, step, name: parseStepName(step.name) });

/** For each step of `after`, the index of its counterpart in `before`. None is the counterpart of two. */
export function alignSteps(
  before: readonly StepRecord[],
  after: readonly StepRecord[],
): readonly (number | undefined)[] {
  const pairs = new Pairs(before, after);
  pairs.alignStages();
  pairs.alignPlatforms();
  pairs.alignRenamed();
  pairs.alignEqual();
  return pairs.counterparts;
}

const SEPARATOR = "\n";
/** Sources apart, as their order is of no meaning. */
const stageOf = ({ step: { kind, stage } }: Placed): string => (stage === "" ? `${SEPARATOR}${kind}` : stage);
const platformOf = ({ name }: Placed): string => name.platform;
const onPlatform = (step: Placed): string => `${platformOf(step)}${SEPARATOR}${stageOf(step)}`;

type Stages = Map<string, Placed[]>;

class Pairs {
  readonly counterparts: (number | undefined)[];
  readonly #before: readonly Placed[];
  readonly #after: readonly Placed[];
  readonly #taken = new Set<number>();

  constructor(before: readonly StepRecord[], after: readonly StepRecord[]) {
    this.#before = before.map(placed);
    this.#after = after.map(placed);
    this.counterparts = after.map(() => undefined);
  }

  readonly #pair = (before: Placed, after: Placed): void => {
    this.counterparts[after.index] = before.index;
    this.#taken.add(before.index);
  };

  readonly #isFreeBefore = ({ index }: Placed): boolean => !this.#taken.has(index);
  readonly #isFreeAfter = ({ index }: Placed): boolean => this.counterparts[index] === undefined;

  alignStages(): void {
    const [before, after] = this.#left(onPlatform);
    for (const [name, stage] of after) this.#alignStage(before.get(name) ?? [], stage);
  }

  /** A step that is the same for several platforms has the name of any of them, and not always the same one. */
  alignPlatforms(): void {
    const [before] = this.#left(stageOf);
    const [, after] = this.#left(onPlatform);
    if (after.size > STAGES_MAX) return;
    for (const stage of after.values()) {
      const [first] = stage;
      if (first === undefined) continue;
      const others = before.get(stageOf(first))?.filter((placed) => platformOf(placed) !== platformOf(first)) ?? [];
      this.#alignStage(others.filter(this.#isFreeBefore), stage);
    }
  }

  /** A stage without a name is called by its number, which others before it change; and people rename stages. */
  alignRenamed(): void {
    const name = ({ step }: Placed): string => step.stage;
    const known = [this.#before, this.#after].map((steps) => new Set(steps.map(name)));
    const [before, after] = this.#left(name).map((stages, side) =>
      [...stages].filter(([stage]) => stage !== "" && known[1 - side]?.has(stage) !== true).map(([, steps]) => steps),
    );
    for (const [earlier, later] of alike(before ?? [], after ?? [])) {
      const platforms = stagesOf(earlier, platformOf);
      for (const [platform, stage] of stagesOf(later, platformOf))
        this.#alignStage(platforms.get(platform) ?? [], stage);
    }
  }

  /** Steps of one key, for builds without a Dockerfile. */
  alignEqual(): void {
    const free = new Map<string, Placed>();
    for (const placed of this.#before.filter(this.#isFreeBefore))
      if (placed.step.key !== "") free.set(placed.step.key, placed);
    for (const placed of this.#after.filter(this.#isFreeAfter)) {
      const found = free.get(placed.step.key);
      if (found === undefined) continue;
      this.#pair(found, placed);
      free.delete(placed.step.key);
    }
  }

  #left(nameOf: (placed: Placed) => string): [before: Stages, after: Stages] {
    return [
      stagesOf(this.#before.filter(this.#isFreeBefore), nameOf),
      stagesOf(this.#after.filter(this.#isFreeAfter), nameOf),
    ];
  }

  /** First those that are the same, then those that moved, then in the gaps those of one instruction, such as RUN. */
  #alignStage(before: readonly Placed[], after: readonly Placed[]): void {
    const gaps: (readonly [before: readonly Placed[], after: readonly Placed[]])[] = [];
    alignGaps(before, after, textOf, this.#pair, (earlier, later) => gaps.push([earlier, later]));
    this.#pairMoved(before.filter(this.#isFreeBefore), after.filter(this.#isFreeAfter));
    for (const [earlier, later] of gaps) {
      const left = [earlier.filter(this.#isFreeBefore), later.filter(this.#isFreeAfter)] as const;
      alignGaps(...left, verbOf, this.#pair, () => undefined);
    }
  }

  #pairMoved(before: readonly Placed[], after: readonly Placed[]): void {
    const byText = new Map(before.map((placed) => [textOf(placed), placed]));
    for (const placed of after) {
      const found = byText.get(textOf(placed));
      if (found === undefined) continue;
      this.#pair(found, placed);
      byText.delete(textOf(placed));
    }
  }
}

/** In the order of their steps. */
function stagesOf(steps: readonly Placed[], nameOf: (placed: Placed) => string): Stages {
  const stages: Stages = new Map();
  for (const placed of steps) {
    const name = nameOf(placed);
    const stage = stages.get(name);
    if (stage === undefined) stages.set(name, [placed]);
    else stage.push(placed);
  }
  for (const stage of stages.values()) stage.sort((a, b) => positionOf(a) - positionOf(b) || a.index - b.index);
  return stages;
}

type Stage = readonly Placed[];

/** Each stage with the one that has most instructions in common with it; what has none, with the next that is left. */
function alike(before: readonly Stage[], after: readonly Stage[]): (readonly [before: Stage, after: Stage])[] {
  const [earlier, later] = [new Set(before), new Set(after)];
  const pairs: (readonly [Stage, Stage])[] = [];
  const pair = (a: Stage, b: Stage): void => {
    pairs.push([a, b]);
    earlier.delete(a);
    later.delete(b);
  };
  if (before.length <= STAGES_MAX && after.length <= STAGES_MAX)
    for (const [a, b] of mostInCommon(before, after)) if (earlier.has(a) && later.has(b)) pair(a, b);
  const rest = [...earlier];
  [...later].forEach((stage, index) => {
    const next = rest[index];
    if (next !== undefined) pair(next, stage);
  });
  return pairs;
}

function mostInCommon(before: readonly Stage[], after: readonly Stage[]): (readonly [Stage, Stage])[] {
  const texts = new Map(before.map((stage) => [stage, new Set(stage.map(textOf))]));
  const scored = after.flatMap((later) => {
    const has = new Set(later.map(textOf));
    return before.map((earlier) => {
      const common = [...has].filter((text) => texts.get(earlier)?.has(text) === true).length;
      return { common, stages: [earlier, later] as const };
    });
  });
  const found = scored.filter(({ common }) => common > 0).sort((a, b) => b.common - a.common);
  return found.map(({ stages }) => stages);
}

/** In its stage, as in "[build 3/7]"; progress may tell of steps in any order. */
const positionOf = ({ name }: Placed): number => Number(/(\d+)\/\d+\] $/.exec(name.prefix)?.[1] ?? 0);

type Pair = (before: Placed, after: Placed) => void;

const textOf = ({ step, name: { mark, rest } }: Placed): string =>
  `${step.kind} ${mark}${step.instruction === "" ? rest : step.instruction}`;

const verbOf = ({ step, name: { mark, rest } }: Placed): string =>
  `${step.kind} ${mark}${(/^\S*/.exec(rest)?.[0] ?? "").toUpperCase()}`;

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
