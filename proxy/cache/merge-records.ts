/** Merges records of several exports that say the same, by the rules by which BuildKit merges them when it imports. */
import type { CacheInput, CacheRecord } from "./cache-graph.js";

/** What lies upon each other to give one filesystem; equal chains of one synthesis are the same object. */
export interface LayerChain {
  readonly digest: string;
  readonly parent: LayerChain | undefined;
}

export interface MergedResult {
  readonly chain: LayerChain;
  readonly createdAt: string;
}

/** A way in which a record leads to others; there is one for each selector. */
export interface MergedLink {
  readonly source: MergedRecord;
  readonly selector: string;
  /** Records that it leads to, by their digest. */
  readonly dependents: Map<string, Set<MergedRecord>>;
}

export interface MergedRecord {
  readonly digest: string;
  /** Of those that were merged into it the earliest: its first alternatives all have lower ones. */
  readonly position: number;
  /** For each input the alternatives that lead to it. */
  readonly inputs: readonly Set<MergedLink>[];
  result: MergedResult | undefined;
  /** By their selectors. */
  readonly links: Map<string, MergedLink>;
  /** The record that took its place. */
  mergedInto: MergedRecord | undefined;
}

/** Which of two results of one record is kept. */
export type ChooseResult = (a: MergedResult, b: MergedResult) => MergedResult;

/** The record itself, or what it became. */
function latest(record: MergedRecord): MergedRecord {
  let at = record;
  while (at.mergedInto !== undefined) at = at.mergedInto;
  return at;
}

function linkFrom(record: MergedRecord, selector: string): MergedLink {
  const source = latest(record);
  const known = source.links.get(selector);
  if (known !== undefined) return known;
  const link = { source, selector, dependents: new Map<string, Set<MergedRecord>>() };
  source.links.set(selector, link);
  return link;
}

/** By index of the record in its graph what it became; undefined where there was no room for it. */
export type Sources = readonly (MergedRecord | undefined)[];

type Alternatives = readonly CacheInput[];

/** Two records are one when they have the same digest and, for each input, an alternative in common. */
function areEqual(a: MergedRecord, b: MergedRecord): boolean {
  return (
    a.digest === b.digest &&
    a.inputs.length === b.inputs.length &&
    a.inputs.every((input, index) => {
      for (const link of b.inputs[index] ?? []) if (input.has(link)) return true;
      return false;
    })
  );
}

function hasInCommon(
  input: ReadonlySet<MergedLink> | undefined,
  alternatives: Alternatives,
  sources: Sources,
): boolean {
  for (const { selector, link } of alternatives) {
    const source = sources[link];
    const known = source === undefined ? undefined : latest(source).links.get(selector);
    if (known !== undefined && input?.has(known) === true) return true;
  }
  return false;
}

export class RecordMerger {
  readonly #choose: ChooseResult;
  readonly #maxRecords: number;
  readonly #roots = new Map<string, MergedRecord>();
  readonly #records: MergedRecord[] = [];
  /** Pairs that may have become equal. */
  readonly #suspects: [MergedRecord, MergedRecord][] = [];
  #count = 0;

  constructor(maxRecords: number, choose: ChooseResult) {
    this.#maxRecords = maxRecords;
    this.#choose = choose;
  }

  /** In order of their positions. */
  records(): readonly MergedRecord[] {
    return this.#records.filter(({ mergedInto }) => mergedInto === undefined);
  }

  /** What the record becomes; undefined where there is no room for it, or for what leads to it. */
  add(record: CacheRecord, sources: Sources, result: MergedResult | undefined): MergedRecord | undefined {
    const known = this.#find(record, sources);
    if (known === undefined) return this.#create(record, sources, result);
    known.result = this.#newest(known.result, result);
    for (const [index, alternatives] of record.inputs.entries()) {
      for (const { selector, link } of alternatives) {
        const source = sources[link];
        if (source !== undefined) this.#link(known, index, linkFrom(source, selector));
      }
    }
    this.#mergeSuspects();
    return latest(known);
  }

  // Nearly all records of nearly all exports are known: this creates nothing.
  #find({ digest, inputs }: CacheRecord, sources: Sources): MergedRecord | undefined {
    const [first] = inputs;
    if (first === undefined) return this.#roots.get(digest);
    for (const { selector, link } of first) {
      const source = sources[link];
      const candidates = source && latest(source).links.get(selector)?.dependents.get(digest);
      if (candidates === undefined) continue;
      for (const candidate of candidates) {
        if (candidate.inputs.length !== inputs.length) continue;
        if (inputs.every((input, index) => hasInCommon(candidate.inputs[index], input, sources))) return candidate;
      }
    }
    return undefined;
  }

  #create(
    { digest, inputs }: CacheRecord,
    sources: Sources,
    result: MergedResult | undefined,
  ): MergedRecord | undefined {
    if (this.#count >= this.#maxRecords) return undefined;
    const links = inputs.map((alternatives) => {
      const input = new Set<MergedLink>();
      for (const { selector, link } of alternatives) {
        const source = sources[link];
        if (source !== undefined) input.add(linkFrom(source, selector));
      }
      return input;
    });
    if (links.some(({ size }) => size === 0)) return undefined;
    const position = this.#records.length;
    const record: MergedRecord = { digest, position, inputs: links, result, links: new Map(), mergedInto: undefined };
    this.#records.push(record);
    this.#count++;
    if (links.length === 0) this.#roots.set(digest, record);
    for (const input of links) for (const link of input) addDependent(link, record);
    return record;
  }

  #newest(a: MergedResult | undefined, b: MergedResult | undefined): MergedResult | undefined {
    return a === undefined || b === undefined ? (a ?? b) : this.#choose(a, b);
  }

  #link(record: MergedRecord, index: number, link: MergedLink): void {
    const input = record.inputs[index];
    if (input === undefined || input.has(link) || link.source === record) return;
    for (const dependent of link.dependents.get(record.digest) ?? []) {
      if (dependent !== record) this.#suspects.push([record, dependent]);
    }
    input.add(link);
    addDependent(link, record);
  }

  #mergeSuspects(): void {
    for (let pair = this.#suspects.pop(); pair !== undefined; pair = this.#suspects.pop()) {
      const [a, b] = [latest(pair[0]), latest(pair[1])];
      if (a === b || !areEqual(a, b)) continue;
      if (a.position < b.position) this.#absorb(a, b);
      else this.#absorb(b, a);
    }
  }

  /** `record` takes the place of `gone`, with what led to it and what it led to. */
  #absorb(record: MergedRecord, gone: MergedRecord): void {
    gone.mergedInto = record;
    this.#count--;
    record.result = this.#newest(record.result, gone.result);
    gone.inputs.forEach((links, index) => {
      for (const link of links) {
        link.dependents.get(gone.digest)?.delete(gone);
        this.#link(record, index, link);
      }
    });
    for (const old of gone.links.values()) {
      for (const dependents of old.dependents.values()) {
        for (const dependent of dependents) this.#replace(dependent, old, linkFrom(record, old.selector));
      }
    }
  }

  #replace(dependent: MergedRecord, old: MergedLink, link: MergedLink): void {
    dependent.inputs.forEach((input, index) => {
      if (input.delete(old)) this.#link(dependent, index, link);
    });
  }
}

function addDependent({ dependents }: MergedLink, record: MergedRecord): void {
  const known = dependents.get(record.digest);
  if (known === undefined) dependents.set(record.digest, new Set([record]));
  else known.add(record);
}
