/** `scripts/validate-extension [tag]`: says what Docker would refuse of the extension, as far as that can be told offline. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { extensionProblems } from "./extension/extension-problems.js";

const read = (path: string): Buffer | undefined => {
  try {
    return readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)));
  } catch {
    return undefined;
  }
};

const problems = extensionProblems({ read }, process.argv[2]);
for (const problem of problems) process.stderr.write(`validate-extension: ${problem}\n`);
process.stdout.write(problems.length === 0 ? "the extension is fine\n" : "");
process.exitCode = problems.length === 0 ? 0 : 1;
