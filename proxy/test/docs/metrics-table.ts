/** The table of metrics in docs/metrics.md, and how it is made from what `/metrics` shows. */
import { markdownTable } from "../../config/markdown-table.js";

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

const START = "<!-- metrics -->";
const END = "<!-- /metrics -->";
const HEAD = ["metric", "type", "labels", "what it counts"];

const code = (text: string): string => `\`${text}\``;

/** The rows between the markers. */
export function documentedMetrics(page: string): readonly Metric[] {
  const table = page.slice(page.indexOf(START), page.indexOf(END));
  const rows = table.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\| (.*?) *\|$/gm);
  return Array.from(rows, ([, name = "", type = "", labels = "", help = ""]) => ({
    ...{ name, type, help },
    labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label = ""]) => label),
  }));
}

/**
 * Our metrics in Prometheus' text, by name. A histogram's `le` is no label of ours. What has no series yet, such as
 * figures of a builder that was never up, shows no labels: those that are documented are taken for it.
 */
export function servedMetrics(text: string, documented: readonly Metric[]): readonly Metric[] {
  const heads = text.matchAll(/^# HELP (memobuild_\w+) (.*)\n# TYPE \w+ (\w+)$/gm);
  const metrics = Array.from(heads, ([, name = "", help = "", type = ""]): Metric => {
    const sample = new RegExp(`^${name}(?:_sum)?(?:\\{(.*)\\})? `, "m").exec(text);
    const [, pairs = ""] = sample ?? [];
    const served = Array.from(pairs.matchAll(/(\w+)="/g), ([, label = ""]) => label);
    const labels = sample === null ? (documented.find((each) => each.name === name)?.labels ?? []) : served;
    return { name, type, labels, help };
  });
  return metrics.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

export function renderMetrics(metrics: readonly Metric[]): string {
  const cells = metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(", "), help]);
  return markdownTable(HEAD, cells);
}

/** The page with these metrics. */
export function withMetrics(page: string, metrics: readonly Metric[]): string {
  const [start, end] = [page.indexOf(START), page.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`the page has no ${START} … ${END}`);
  return `${page.slice(0, start + START.length)}\n\n${renderMetrics(metrics)}\n\n${page.slice(end)}`;
}
