/** Changes of settings that are not saved yet, and what the server said against them. */
import type { Setting } from "./setting-groups.js";

/** By name of the option: its new text; null: as configured again. */
export type Draft = Readonly<Record<string, string | null>>;

const currentText = ({ texts }: Setting): string => texts[0] ?? "";
const configuredText = ({ configured }: Setting): string => configured[0] ?? "";

/** What the control of the option shows. */
export function shownText(setting: Setting, draft: Draft): string {
  const own = draft[setting.name];
  if (own === undefined) return currentText(setting);
  return own ?? configuredText(setting);
}

const without = (draft: Draft, name: string): Draft =>
  Object.fromEntries(Object.entries(draft).filter(([key]) => key !== name));

/** What is typed; a text that is there already is no change, and nothing where nothing is configured undoes one. */
export function withText(draft: Draft, setting: Setting, text: string): Draft {
  if (text === currentText(setting)) return without(draft, setting.name);
  return text === "" && setting.configured.length === 0
    ? asConfigured(draft, setting)
    : { ...draft, [setting.name]: text };
}

export const asConfigured = (draft: Draft, setting: Setting): Draft =>
  setting.source === "runtime" ? { ...draft, [setting.name]: null } : without(draft, setting.name);

/** Whether the value would be another than what is configured: there is something to undo. */
export function canUndo(setting: Setting, draft: Draft): boolean {
  const own = draft[setting.name];
  return own === undefined ? setting.source === "runtime" : own !== null;
}

/** Changes that still are some: what others saved meanwhile, or made unchangeable, is left out. */
export function changesOf(settings: readonly Setting[], draft: Draft): Draft {
  const kept = settings.filter((setting) => {
    const own = draft[setting.name];
    if (own === undefined || !setting.isChangeable) return false;
    return own === null ? setting.source === "runtime" : own !== currentText(setting);
  });
  return Object.fromEntries(kept.map(({ name }) => [name, draft[name] ?? null]));
}

export interface Refusal {
  readonly byName: Readonly<Record<string, string>>;
  /** What belongs to no option that is known here. */
  readonly others: readonly string[];
}

/** The server names the option of each line as a flag, or as where its value is from. */
export function refusalOf(message: string, settings: readonly Setting[]): Refusal {
  const byName: Record<string, string> = {};
  const others: string[] = [];
  for (const line of message.split("\n").filter((text) => text.trim() !== "")) {
    const found = settings
      .flatMap(({ env, flag, name, origin }) =>
        [flag, `${flag} (default)`, env, origin].map((place) => ({ name, start: `${place}: ` })),
      )
      .find(({ start }) => start !== ": " && line.startsWith(start));
    if (found === undefined) others.push(line);
    else byName[found.name] = [byName[found.name], line.slice(found.start.length)].filter(Boolean).join("; ");
  }
  return { byName, others };
}

const EXAMPLES: Readonly<Record<string, string>> = { size: "512mb, 20GiB", duration: "30s, 12h, 30d", number: "10" };

/** How a value is written, for those who type one. */
export const exampleOf = ({ value }: Setting): string | undefined => EXAMPLES[value];

export const isSwitch = ({ choices, value }: Setting): boolean => value === "" && choices.length === 2;
