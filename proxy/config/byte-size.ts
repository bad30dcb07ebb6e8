/** Sizes as people write them (`512mb`, `20GiB`) to bytes, and bytes as people read them (`1.23GB`). */
import { z } from "zod";

const KIB = 1024;
const POWER_OF_UNIT = { b: 0, k: 1, m: 2, g: 3, t: 4 } as const;
type Unit = keyof typeof POWER_OF_UNIT;

const isUnit = (text: string | undefined): text is Unit => text !== undefined && text in POWER_OF_UNIT;

const EXAMPLES = "512mb or 20GiB";
const PRINTED_UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const PRINTED_DIGITS = 3;

/**
 * The value in bytes, or undefined where the text is not a number followed by a unit. As `docker buildx prune` and
 * BuildKit's configuration read them: case does not matter, and `20g`, `20gb` and `20GiB` are the same.
 */
export function parseByteSize(text: string): number | undefined {
  const [, number, unit, suffix] = /^(\d{1,9}(?:\.\d{1,3})?)([bkmgt])(i?b)?$/.exec(text.toLowerCase()) ?? [];
  if (!isUnit(unit) || (unit === "b" && suffix !== undefined)) return undefined;
  return Math.round(Number(number) * KIB ** POWER_OF_UNIT[unit]);
}

/** As Docker prints sizes, in powers of 1000: `0B`, `999kB`, `1.23GB`. */
export function formatByteSize(sizeBytes: number): string {
  const round = (value: number): number => Number(value.toPrecision(PRINTED_DIGITS));
  let [value, power] = [sizeBytes, 0];
  // What rounds to 1000 of a unit is 1 of the next.
  while (round(value) >= 1000 && power < PRINTED_UNITS.length - 1) {
    value /= 1000;
    power += 1;
  }
  return `${round(value)}${PRINTED_UNITS[power] ?? ""}`;
}

/** Accepts a size of `minBytes` or more. A number without a unit is a mistake too easily made: nobody means 45 bytes. */
export const byteSizeFrom = (minBytes: number): z.ZodType<number, string> =>
  z.string().transform((text, context) => {
    const sizeBytes = parseByteSize(text);
    if (sizeBytes !== undefined && sizeBytes >= minBytes && Number.isSafeInteger(sizeBytes)) return sizeBytes;
    if (sizeBytes !== undefined) context.addIssue(`"${text}" is less than ${formatByteSize(minBytes)}`);
    else if (/^[\d.]+$/.test(text)) context.addIssue(`"${text}" has no unit, as in ${EXAMPLES}`);
    else context.addIssue(`"${text}" is not a size, as in ${EXAMPLES}`);
    return z.NEVER;
  });
