/** Specs for the workflows in .github: what they run is pinned, and they may do little. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { z } from "zod";

const FOLDER = fileURLToPath(new URL("../.github/workflows/", import.meta.url));
/** A workflow beside it, or an action at a commit. */
const PINNED = /^\.\/\.github\/workflows\/[\w-]+\.yml$|^[\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

const permissions = z.record(z.string(), z.string());
const workflow = z.looseObject({
  permissions,
  jobs: z.record(
    z.string(),
    z
      .looseObject({ permissions: permissions.optional(), "timeout-minutes": z.number() })
      .or(z.strictObject({ uses: z.string(), permissions: z.undefined().optional() })),
  ),
});

const files = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(FOLDER + name, "utf8") }));

describe("the workflows", () => {
  it("are the ones that are looked at here", () => {
    expect(files.map(({ name }) => name)).to.deep.equal(["ci.yml", "dependency-review.yml", "release.yml"]);
  });

  for (const { name, text } of files) {
    it(`${name} runs actions by the digest of a commit, and says which version that is`, () => {
      const uses = [...text.matchAll(/\buses: *(.*)$/gm)].map(([, action = ""]) => action);
      expect(uses).to.not.be.empty;
      expect(uses.filter((action) => !PINNED.test(action))).to.deep.equal([]);
    });

    it(`${name} may only read, but for the jobs that publish`, () => {
      const { permissions: all, jobs } = workflow.parse(parse(text));
      expect(all).to.deep.equal({ contents: "read" });
      const writes = Object.entries(jobs).filter(([, job]) => Object.values(job.permissions ?? {}).includes("write"));
      expect(writes.map(([job]) => job)).to.deep.equal(name === "release.yml" ? ["image", "sign", "notes"] : []);
    });
  }

  it("name one version of each action", () => {
    const pins = new Map<string, Set<string>>();
    for (const [, action = "", pin = ""] of files.flatMap((file) => [...file.text.matchAll(/uses: (\S+)@(.*)$/gm)])) {
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
    expect([...pins].filter(([, versions]) => versions.size > 1)).to.deep.equal([]);
  });
});
