/** Keeps values of build arguments out of texts that are stored or shown. */

/** In logs and errors shorter values are left: they are too common to be secrets. */
const VALUE_MIN_CHARS = 4;

const SPECIAL = /[\\^$.*+?()[\]{}|]/g;

/** Values by name of their argument. */
export type ArgumentValues = ReadonlyMap<string, string>;

/** Each value of some length becomes the name of its argument, as in `${TOKEN}`. */
export function maskValues(text: string, values: ArgumentValues): string {
  return replaceValues(text, values, VALUE_MIN_CHARS);
}

/** The same for short values too. */
export function maskAllValues(text: string, values: ArgumentValues): string {
  return replaceValues(text, values, 1);
}

function replaceValues(text: string, values: ArgumentValues, minChars: number): string {
  const found = [...values].filter(([, value]) => value.length >= minChars && text.includes(value));
  if (found.length === 0) return text;
  // The longest first, as one value may be a part of another; in one go, as a name may contain a value.
  found.sort(([, a], [, b]) => b.length - a.length);
  const names = new Map(found.map(([name, value]) => [value, name]));
  const pattern = new RegExp(found.map(([, value]) => value.replaceAll(SPECIAL, String.raw`\$&`)).join("|"), "g");
  return text.replaceAll(pattern, (value) => `\${${names.get(value) ?? ""}}`);
}
