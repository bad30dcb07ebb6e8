/** What people read of one setting. */
import type { SettingReport } from "../config/settings.js";
import { printable } from "./table.js";

/** "-" where there is none. */
export const valueText = (texts: readonly string[]): string => printable(texts.join(" "));

export function whereFrom({ configured, origin, source }: SettingReport): string {
  if (source === "runtime") return `changed; configured: ${valueText(configured)}`;
  return source === "default" ? "default" : printable(origin);
}
