/** `npm run bench:page`: measures the page in a browser. It stands apart, because its code has the browser's types. */
import { join } from "node:path";
import { Command } from "commander";
import { ROOT } from "../../proxy/test/support/command.js";
import { interruptible } from "../interruptible.js";
import { writeReport } from "../report.js";
import { benchPage, type PageBenchOptions } from "./page.js";

const MINUTES_MAX = 120;

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0 && minutes <= MINUTES_MAX)) throw new Error(`--minutes is a number up to ${MINUTES_MAX}`);
  return minutes;
}

await new Command("bench:page")
  .description("time the page with 10,000 builds and 1,000 steps, and watch its memory under live events")
  .option("--minutes <n>", "how long events go on", parseMinutes, 30)
  .option("--no-save", "print the report, leave docs/ as it is")
  .action(async (options: PageBenchOptions) => {
    await interruptible(async (signal) => {
      const report = `\`\`\`text\n${await benchPage(options, signal)}\n\`\`\``;
      console.log(report);
      if (options.save) await writeReport(join(ROOT, "docs/benchmarks.md"), "page", report);
    });
  })
  .parseAsync();
