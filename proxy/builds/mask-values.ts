/** Keeps values of build arguments out of texts that are stored or shown. */

/** In logs and errors shorter values are left: they are too common to be secrets. */
const VALUE_MIN_CHARS = 4;

/** These are written the same everywhere. */
const PLAIN = /^[\w.~-]*$/;
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
  const names = new Map<string, string>();
  for (const [name, value] of values) {
    if (value.length < minChars) continue;
    for (const form of formsOf(value)) if (text.includes(form)) names.set(form, name);
  }
  if (names.size === 0) return text;
  // The longest first, as one value may be a part of another; in one go, as a name may contain a value.
  const forms = [...names.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(forms.map((form) => form.replaceAll(SPECIAL, String.raw`\$&`)).join("|"), "g");
  return text.replaceAll(pattern, (value) => `\${${names.get(value) ?? ""}}`);
}

/** As it is, quoted as errors quote it, and as it stands in a URL. */
function formsOf(value: string): readonly string[] {
  if (PLAIN.test(value)) return [value];
  const quoted = JSON.stringify(value).slice(1, -1);
  return [value, quoted, encodeURIComponent(value.replaceAll(/\p{Cs}/gu, "\u{fffd}"))];
}
