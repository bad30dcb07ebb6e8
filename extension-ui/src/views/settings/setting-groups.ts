/** Settings by topic, and those that a search finds. */
import type { SettingsReport } from "../../api/openapi.js";

export type Setting = SettingsReport["settings"][number];

export interface SettingGroup {
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** The first that matches an option's name is its topic. */
const TOPICS: readonly (readonly [title: string, names: RegExp])[] = [
  ["Shared cache", /^(cache|registry|export)\b/],
  ["Builders and queue", /^(builder|buildkitd|managed|queue|retry)\b/],
  ["Record of builds", /^history\b/],
  ["Connections", /^(listen|insecure|tls)\b/],
  ["Page, API and metrics", /^(http|api)\b/],
  ["Process", /^(data|config|log|drain)\b/],
];
const OTHER = "Other";

const titleOf = (name: string): string => TOPICS.find(([, names]) => names.test(name))?.[0] ?? OTHER;

/** Every word of the search is in the name, the help, the variable or a value. */
function isFound({ env, flag, help, texts }: Setting, words: readonly string[]): boolean {
  const text = [flag, env, help, ...texts].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Topics without a setting are left out; within one, those that can be changed come first. */
export function groupSettings(settings: readonly Setting[], search: string): readonly SettingGroup[] {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = settings.filter((setting) => isFound(setting, words));
  return [...TOPICS.map(([title]) => title), OTHER]
    .map((title) => {
      const own = found.filter(({ name }) => titleOf(name) === title);
      return { title, settings: [true, false].flatMap((is) => own.filter(({ isChangeable }) => isChangeable === is)) };
    })
    .filter((group) => group.settings.length > 0);
}

const SOURCES: Readonly<Record<Setting["source"], string>> = {
  flag: "Flag",
  environment: "Environment",
  file: "File",
  default: "Default",
  runtime: "Changed here",
};

export const sourceTitle = (source: Setting["source"]): string => SOURCES[source];

/** What it says of a value that there is none. */
export const textOf = (texts: readonly string[]): string => (texts.length === 0 ? "not set" : texts.join(", "));
