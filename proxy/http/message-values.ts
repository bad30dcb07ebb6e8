/** Values that many messages of the API are made of. */
import { z } from "zod";

const NUMBER_MAX_DIGITS = 15;
export const TEXT_MAX_CHARS = 1024;

/** Of things or bytes. */
export const count: z.ZodType<number> = z.int().nonnegative();
/** Of a limit or a disk, which may be a fraction; or a time in milliseconds. */
export const amount: z.ZodType<number> = z.number().nonnegative();

/** In a URL everything is text. */
const digits = z
  .string()
  .regex(new RegExp(`^\\d{1,${NUMBER_MAX_DIGITS}}$`), "is not a whole number")
  .transform(Number);

export const numberInUrl = (min: number, max: number): z.ZodType<number, string> =>
  digits.pipe(z.int().min(min).max(max));

/** Text to look for. */
export const textInUrl: z.ZodString = z.string().max(TEXT_MAX_CHARS);
