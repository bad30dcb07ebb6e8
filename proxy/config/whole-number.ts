/** Whole numbers within bounds. */
import { z } from "zod";

/** Accepts `min` to `max`, both included. */
export const wholeNumberBetween = (min: number, max: number): z.ZodType<number, string> =>
  z.string().transform((text, context) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
    if (value !== undefined && value >= min && value <= max) return value;
    context.addIssue(`"${text}" is not a whole number from ${min} to ${max}`);
    return z.NEVER;
  });
