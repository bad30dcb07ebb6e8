/** Asks a question that is answered with yes or no. */
import { createInterface } from "node:readline";
import type { CliIo } from "./cli-io.js";

/**
 * Anything but y and yes, in either case, is a no; so is the end of the input.
 *
 * @throws the signal's reason
 */
export async function confirm(
  question: string,
  { stdin, stderr }: Pick<CliIo, "stdin" | "stderr">,
  signal: AbortSignal,
): Promise<boolean> {
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin, signal });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
  } finally {
    lines.close();
  }
  // Nobody typed the end of the line.
  stderr.write("\n");
  signal.throwIfAborted();
  return false;
}
