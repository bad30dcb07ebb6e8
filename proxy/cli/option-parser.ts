/** Values of options, checked where they are given. */
import { InvalidArgumentError, Option } from "commander";
import type { z } from "zod";

/** For commander: what the schema makes of the text, else the schema's first complaint. */
export const parseWith =
  <T>(schema: z.ZodType<T, string>): ((text: string) => T) =>
  (text) => {
    const { data, error } = schema.safeParse(text);
    if (error !== undefined) throw new InvalidArgumentError(error.issues[0]?.message ?? "");
    return data;
  };

const FORMATS = ["table", "json"] as const;
export type Format = (typeof FORMATS)[number];

export const formatOption = (): Option =>
  new Option("--format <format>", "form of what is printed").choices(FORMATS).default("table");

/** One JSON document. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
