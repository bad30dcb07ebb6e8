/** Draws the steps of a build as text: a tree for a terminal, or the language of Mermaid or Graphviz. */
import type { BuildRecord, StepRecord, StepResult } from "./build-record.js";
import { formatElapsed } from "./format-elapsed.js";

export const DRAWINGS = ["tree", "mermaid", "dot"] as const;
export type Drawing = (typeof DRAWINGS)[number];

/** Marks the text for what became of the step, such as by a colour. */
export type Paint = (text: string, result: StepResult) => string;

interface Node {
  /** Index of the step in the record. */
  readonly index: number;
  readonly step: StepRecord;
}

/** The steps of one stage for one platform, in order. */
interface Stage {
  readonly title: string;
  readonly nodes: readonly Node[];
}

const LABEL_MAX_CHARS = 120;
/** In parentheses, as no stage is named so. */
const INTERNAL = "(internal)";
const NO_STAGE = "(no stage)";

/** Of boxes, as SVG has colours. */
const COLOURS: Readonly<Record<StepResult, string>> = {
  waiting: "#eeeeee",
  running: "#cfe2ff",
  cached: "#d1f0d9",
  ran: "#fff3cd",
  failed: "#f8d7da",
  canceled: "#e2d9f3",
  skipped: "#eeeeee",
};

/** On one line, without what moves a cursor or turns the writing round: names come from whoever builds. */
const plain = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
  return line.length <= LABEL_MAX_CHARS ? line : `${line.slice(0, LABEL_MAX_CHARS - 1)}…`;
};

/** As in `cached: shared`, `ran 1.2s`. */
export function describeResult({ result, cachedFrom, durationMs }: StepRecord): string {
  switch (result) {
    case "cached":
      return cachedFrom === undefined || cachedFrom === "unknown" ? "cached" : `cached: ${cachedFrom}`;
    case "ran":
    case "failed":
    case "canceled":
      return `${result} ${formatElapsed(durationMs)}`;
    case "waiting":
    case "running":
    case "skipped":
      return result;
  }
}

/** By index of the step; the platform is told where a stage has steps of more than one. */
function titlesOf({ steps }: BuildRecord): readonly string[] {
  const platforms = new Map<string, Set<string>>();
  for (const { platform, stage } of steps) {
    const known = platforms.get(stage) ?? new Set();
    // Not every step tells of one.
    platforms.set(stage, platform === "" ? known : known.add(platform));
  }
  return steps.map(({ isUser, platform, stage }) => {
    if (!isUser) return INTERNAL;
    const isOfMany = (platforms.get(stage)?.size ?? 0) > 1;
    return plain([stage === "" ? NO_STAGE : stage, isOfMany ? platform : ""].filter((part) => part !== "").join(" · "));
  });
}

/** In the order of their first steps, what is internal last. */
function stagesOf(record: BuildRecord): readonly Stage[] {
  const byTitle = new Map<string, Node[]>();
  const titles = titlesOf(record);
  for (const [index, step] of record.steps.entries()) {
    const title = titles[index] ?? INTERNAL;
    const known = byTitle.get(title) ?? [];
    known.push({ index, step });
    byTitle.set(title, known);
  }
  const stages = [...byTitle].map(([title, nodes]) => ({ title, nodes }));
  const isInternal = ({ title }: Stage): boolean => title === INTERNAL;
  return [...stages.filter((stage) => !isInternal(stage)), ...stages.filter(isInternal)];
}

/** Other stages that the steps of this one take from. */
function needsOf({ title, nodes }: Stage, titles: readonly string[]): readonly string[] {
  const needed = nodes.flatMap(({ step }) => step.inputs.flatMap((input) => titles[input] ?? []));
  return [...new Set(needed)].filter((other) => other !== title && other !== INTERNAL);
}

/** Below a step: why it failed, or why it ran where the reason is its own. */
function notesOf({ error, cause }: StepRecord): readonly string[] {
  return [
    ...(error === "" ? [] : [`error: ${plain(error)}`]),
    ...(cause === undefined || cause.root !== undefined ? [] : [`why: ${plain(cause.text)}`]),
  ];
}

const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");

const cutNote = ({ isCut }: BuildRecord): readonly string[] => (isCut ? ["there were more steps than are kept"] : []);

function drawTree(record: BuildRecord, paint: Paint): string {
  const width = Math.max(0, ...record.steps.map((step) => describeResult(step).length));
  const drawNode = ({ step }: Node, isLast: boolean): readonly string[] => {
    const [branch, below] = isLast ? ["└─", "  "] : ["├─", "│ "];
    const result = paint(describeResult(step).padEnd(width), step.result);
    return [
      `${branch} ${result}  ${plain(step.name)}`,
      ...notesOf(step).map((note) => `${below} ${" ".repeat(width)}    ${note}`),
    ];
  };
  const titles = titlesOf(record);
  const lines = stagesOf(record).flatMap((stage) => {
    const needs = needsOf(stage, titles);
    return [
      needs.length === 0 ? stage.title : `${stage.title}  (from ${needs.join(", ")})`,
      ...stage.nodes.flatMap((node) => drawNode(node, node === stage.nodes.at(-1))),
    ];
  });
  return asText([...lines, ...cutNote(record)]);
}

interface Edge {
  readonly from: number;
  readonly to: number;
}

const edgesOf = ({ steps }: BuildRecord): readonly Edge[] =>
  steps.flatMap(({ inputs }, to) =>
    [...new Set(inputs)].filter((from) => steps[from] !== undefined).map((from) => ({ from, to })),
  );

/** What has a meaning in a label of Mermaid becomes an entity, written as Mermaid wants them. */
const mermaidText = (text: string): string =>
  plain(text).replaceAll(/[#"<>&`\\[\]{}()|;]/g, (letter) => `#${letter.charCodeAt(0)};`);

function drawMermaid(record: BuildRecord): string {
  const boxes = stagesOf(record).flatMap(({ title, nodes }, number) => [
    `  subgraph g${number}["${mermaidText(title)}"]`,
    ...nodes.map(({ index, step }) => {
      const label = `${mermaidText(step.name)}<br/>${mermaidText(describeResult(step))}`;
      return `    s${index}["${label}"]:::${step.result}`;
    }),
    "  end",
  ]);
  const results = [...new Set(record.steps.map(({ result }) => result))];
  return asText([
    "flowchart TB",
    ...boxes,
    ...edgesOf(record).map(({ from, to }) => `  s${from} --> s${to}`),
    ...results.map((result) => `  classDef ${result} fill:${COLOURS[result]},stroke:#555555,color:#000000`),
    ...cutNote(record).map((note) => `  %% ${note}`),
  ]);
}

const dotText = (text: string): string => plain(text).replaceAll(/[\\"]/g, "\\$&");

function drawDot(record: BuildRecord): string {
  const boxes = stagesOf(record).flatMap(({ title, nodes }, number) => [
    `  subgraph cluster_${number} {`,
    `    label="${dotText(title)}";`,
    ...nodes.map(({ index, step }) => {
      const label = `${dotText(step.name)}\\n${dotText(describeResult(step))}`;
      return `    s${index} [label="${label}", fillcolor="${COLOURS[step.result]}"];`;
    }),
    "  }",
  ]);
  return asText([
    "digraph build {",
    '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ...boxes,
    ...edgesOf(record).map(({ from, to }) => `  s${from} -> s${to};`),
    ...cutNote(record).map((note) => `  // ${note}`),
    "}",
  ]);
}

/** `paint` is for the tree; it must not change how wide a text is. */
export function drawGraph(record: BuildRecord, drawing: Drawing, paint: Paint = (text) => text): string {
  switch (drawing) {
    case "tree":
      return drawTree(record, paint);
    case "mermaid":
      return drawMermaid(record);
    case "dot":
      return drawDot(record);
  }
}
