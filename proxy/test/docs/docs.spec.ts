/** The documentation is true: its commands run, its links lead somewhere, and what it names exists. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect } from "chai";
import { HOST_VARIABLE } from "../../cli/server-address.js";
import { environmentNameOf, OPTIONS } from "../../config/options.js";
import { ROOT } from "../support/command.js";
import { type DocPage, parseDocPage } from "./doc-page.js";
import { DocWorld } from "./doc-world.js";
import { documentedMetrics } from "./metrics-table.js";
import { allFlags, createCommands, memobuildCommands, problemIn } from "./named-commands.js";

const PAGE_TIMEOUT_MS = 240_000;
/** It is measured, not run. */
const OTHER_PAGES: readonly string[] = ["benchmarks.md"];
const GIVEN = /^<!-- given: (.+) -->$/m;
/** Flags of other programs that the text names by themselves. */
const FLAGS_OF_OTHERS: ReadonlySet<string> = new Set([
  "--no-cache",
  "--no-cache-filter",
  "--push",
  "--load",
  "--ssh",
  "--secret",
  "--platform",
  "--build-arg",
  "--cache-from",
  "--cache-to",
  "--chmod",
  "--provenance",
  "--metadata-file",
  "--driver-opt",
  "-o",
]);
/** Variables of the Compose files. */
const VARIABLES_OF_OTHERS: readonly string[] = ["MEMOBUILD_IMAGE"];

const names = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const pageNames: readonly string[] = names.filter((name) => !OTHER_PAGES.includes(relative("docs", name)));
const textOf = (name: string): string => readFileSync(join(ROOT, name), "utf8");

const pages = new Map<string, DocPage>();
function pageAt(path: string): DocPage {
  const known = pages.get(path) ?? parseDocPage(readFileSync(path, "utf8"));
  pages.set(path, known);
  return known;
}

function isBroken(from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? join(ROOT, from) : join(ROOT, dirname(from), file);
  return !existsSync(path) || (anchor !== undefined && !pageAt(path).anchors.has(anchor));
}

const commands = createCommands();
const flags = allFlags(commands);
const variables = new Set([
  ...OPTIONS.map(({ name }) => environmentNameOf(name)),
  HOST_VARIABLE,
  ...VARIABLES_OF_OTHERS,
]);
const metrics = new Set(
  documentedMetrics(textOf("docs/metrics.md")).flatMap(({ name, type }) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`, name] : [name],
  ),
);

/** Of what a text names of MemoBuild, what does not exist. */
function unknownIn({ blocks, code }: DocPage): readonly string[] {
  const texts = [...blocks, ...code];
  return texts.flatMap(({ line, text }) => {
    const [flag = ""] = /^--?[a-z][\w-]*/.exec(text) ?? [];
    const problems = [
      ...memobuildCommands(text).map((words) => problemIn(commands, words)),
      flag === "" || flags.has(flag) || FLAGS_OF_OTHERS.has(flag) ? undefined : `no command has a flag ${flag}`,
      ...Array.from(text.matchAll(/\bMEMOBUILD_[A-Z_]+/g), ([name]) =>
        variables.has(name) ? undefined : `no variable ${name}`,
      ),
      ...Array.from(text.matchAll(/\bmemobuild_[a-z_]+/g), ([name]) =>
        metrics.has(name) ? undefined : `no metric ${name}`,
      ),
    ];
    return problems.filter((problem) => problem !== undefined).map((problem) => `line ${line}: ${problem}`);
  });
}

for (const name of pageNames) {
  describe(name, () => {
    const page = parseDocPage(textOf(name));

    it("says of each block what becomes of it", () => {
      const unmarked = page.blocks.filter(({ mark }) => mark === undefined);
      expect(unmarked.map(({ line, text }) => `line ${line}: ${text}`)).to.deep.equal([]);
    });

    it("has links that lead somewhere", () => {
      const broken = page.links.filter(({ target }) => isBroken(name, target));
      expect(broken.map(({ line, target }) => `line ${line}: ${target}`)).to.deep.equal([]);
    });

    it("names only commands, flags, variables and metrics that exist", () => {
      expect(unknownIn(page)).to.deep.equal([]);
    });

    if (!page.blocks.some(({ mark }) => mark?.kind === "run")) return;

    it("has commands that do what it says", async () => {
      const world = await DocWorld.start();
      try {
        const [, given] = GIVEN.exec(textOf(name)) ?? [];
        if (given !== undefined) await world.give(given);
        for (const block of page.blocks) {
          await world.use(block).catch((error: unknown) => {
            throw new Error(`${name}:${block.line}: ${String(error)}`, { cause: error });
          });
        }
      } finally {
        await world.close();
      }
    }).timeout(PAGE_TIMEOUT_MS);
  });
}
