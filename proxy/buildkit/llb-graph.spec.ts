import { readFile } from "node:fs/promises";
import { expect } from "chai";
import fc from "fast-check";
import { loadDefinitionReader } from "./definition.js";
import { loadLlbReader, type LlbGraph, type LlbReader, type LlbStep } from "./llb-graph.js";

/** What BuildKit's Dockerfile frontend made of a Dockerfile with many features. */
const REAL = new URL("../test/support/dockerfile-definition.bin", import.meta.url);

describe("loadLlbReader", () => {
  let read: LlbReader;
  let bytes: Buffer;
  let graph: LlbGraph;
  const step = (name: string): LlbStep => {
    const found = graph.steps.find((one) => one.name.startsWith(name));
    if (found === undefined) throw new Error(`no step ${name}`);
    return found;
  };
  before(async () => {
    read = await loadLlbReader();
    bytes = await readFile(REAL);
    graph = read(bytes);
  });

  it("has the vertexes of the definition, each after its inputs", async () => {
    const { vertexes } = (await loadDefinitionReader())(bytes);
    expect(graph.steps.map(({ digest }) => digest)).to.deep.equal(vertexes);
    const seen = new Set<string>();
    for (const { digest, inputs } of graph.steps) {
      for (const input of inputs) expect(seen.has(input.digest)).to.equal(true);
      seen.add(digest);
    }
  });

  it("finds instructions in the Dockerfile, all lines of them", () => {
    expect(step("[app 5/8]").lines).to.deep.equal({
      ...{ file: "Dockerfile", first: 21, last: 24 },
      text: "RUN <<EOT\necho one\necho two\nEOT",
    });
    expect(step("[app 4/8]").lines).to.include({ first: 14, last: 20 });
    expect(step("[internal] load build context").lines).to.equal(undefined);
    expect(graph.sources[0]).to.contain("ARG VERSION\nENV APP_VERSION=v-$VERSION\n");
  });

  it("reads what a RUN runs, and with what", () => {
    const { does, platform } = step("[app 4/8]");
    expect(platform).to.equal("linux/amd64");
    if (does.type !== "exec") throw new Error("a RUN is an exec");
    expect(does.args).to.deep.equal(["/bin/sh", "-c", 'echo "$VERSION $FOO" &&     ls /mnt']);
    expect(does.env).to.include("APP_VERSION=v-1.2.3-value");
    expect(does.cwd).to.equal("/srv/1.2.3-value");
    expect(does.mounts.map(({ dest, type, selector, isReadOnly }) => [dest, type, selector, isReadOnly])).to.deep.equal(
      [
        ["/", "bind", "", false],
        ["/cache", "cache", "", true],
        ["/mnt", "bind", "/lib", true],
        ["/run/secrets/tok2", "secret", "", false],
      ],
    );
  });

  it("reads what a COPY copies, and a source", () => {
    const { does } = step("[app 3/8]");
    if (does.type !== "file") throw new Error("a COPY is a file operation");
    expect(does.copies[0]).to.include({ input: 1, src: "/lib", dest: "/lib2", allowWildcard: true });
    expect(does.copies[0]?.excludePatterns).to.deep.equal(["*.md"]);
    expect(step("[internal] load build context").does).to.include({ type: "source", identifier: "local://context" });
  });

  it("throws nothing but errors, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const broken = Buffer.from(bytes);
        broken[at] = value;
        try {
          read(broken);
        } catch (error) {
          expect(error).to.be.instanceOf(Error);
        }
      }),
      { numRuns: 50 },
    );
  });
});
