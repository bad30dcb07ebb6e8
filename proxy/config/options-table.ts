/** The tables of options in docs/configuration.md, one for each topic, between two markers. */
import { markdownTable } from "./markdown-table.js";
import { environmentNameOf, type Option, type OptionName, OPTIONS, usageOf } from "./options.js";

const START = "<!-- options -->";
const END = "<!-- /options -->";
const HEAD = ["Flag", "Environment", "Default", "While it runs", "Meaning"];

const TOPICS = [
  "Clients",
  "Builders",
  "Builders of its own",
  "Cache",
  "History",
  "Page, API and metrics",
  "Process",
] as const;
type Topic = (typeof TOPICS)[number];

const TOPIC_OF: Readonly<Record<OptionName, Topic>> = {
  listen: "Clients",
  "insecure-listen": "Clients",
  "tls-cert": "Clients",
  "tls-key": "Clients",
  "tls-client-ca": "Clients",
  builder: "Builders",
  "builder-min-version": "Builders",
  "builder-max-clients": "Builders",
  "builder-keep-bytes": "Builders",
  "queue-timeout": "Builders",
  "retry-lost-builds": "Builders",
  "managed-builders": "Builders of its own",
  "managed-docker": "Builders of its own",
  "managed-image": "Builders of its own",
  "managed-cpus": "Builders of its own",
  "managed-memory": "Builders of its own",
  buildkitd: "Builders of its own",
  http: "Page, API and metrics",
  "insecure-http": "Page, API and metrics",
  "api-socket": "Page, API and metrics",
  "api-socket-mode": "Page, API and metrics",
  "api-listen": "Page, API and metrics",
  "data-dir": "Process",
  config: "Process",
  "log-level": "Process",
  "log-format": "Process",
  "drain-timeout": "Process",
  cache: "Cache",
  "registry-listen": "Cache",
  "cache-advertise": "Cache",
  "cache-compression": "Cache",
  "cache-max-bytes": "Cache",
  "cache-hard-max-bytes": "Cache",
  "cache-min-free": "Cache",
  "cache-max-age": "Cache",
  "cache-max-records": "Cache",
  "export-timeout": "Cache",
  "history-max-builds": "History",
  "history-max-age": "History",
};

const code = (text: string): string => `\`${text}\``;

function cellsOf(option: Option): string[] {
  const { name, repeatable, defaults, help, isChangeable } = option;
  return [
    code(usageOf(option)) + (repeatable === true ? ", repeatable" : ""),
    code(environmentNameOf(name)),
    defaults.map(code).join(" and "),
    isChangeable === true ? "can be changed" : "",
    help,
  ];
}

/** A heading and a table for each topic. */
export function renderOptions(): string {
  const sections = TOPICS.map((topic) => {
    const options = OPTIONS.filter(({ name }) => TOPIC_OF[name] === topic);
    return `## ${topic}\n\n${markdownTable(HEAD, options.map(cellsOf))}`;
  });
  return sections.join("\n\n");
}

/** The text between the markers, or undefined where one is missing. */
export function optionsIn(page: string): string | undefined {
  const [, after] = page.split(START);
  const [tables, rest] = after?.split(END) ?? [];
  return rest === undefined ? undefined : tables?.trim();
}

/** The page with the options of today. */
export function withOptions(page: string): string {
  if (optionsIn(page) === undefined) throw new Error(`the page has no ${START} … ${END}`);
  const start = page.indexOf(START) + START.length;
  return `${page.slice(0, start)}\n\n${renderOptions()}\n\n${page.slice(page.indexOf(END))}`;
}
