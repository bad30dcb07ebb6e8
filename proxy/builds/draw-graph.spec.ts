/** The drawings of a build: what is on them, and that no name can break them. */
import { expect } from "chai";
import fc from "fast-check";
import { sampleBuild, sampleStep } from "../test/support/build-samples.js";
import { STEP_RESULTS } from "./build-record.js";
import { DRAWINGS, drawGraph } from "./draw-graph.js";

const NASTY = 'RUN echo "a" `b` \\ #1; <i>&lt;</i> [x] {y} | \u{1b}[2J\u{202e}\n  done';

describe("drawGraph", () => {
  it("draws a tree of stages with results, reasons and errors", () => {
    expect(drawGraph(sampleBuild(), "tree")).to.equal(
      [
        "build",
        "├─ cached: shared  [build 1/3] FROM docker.io/library/gcc:15",
        "├─ ran 0.3s        [build 2/3] COPY . .",
        "│                    why: 1 file that COPY takes changed: src/main.c",
        "└─ ran 42.0s       [build 3/3] RUN make",
        "prod  (from build)",
        "└─ failed 0.1s     [prod 1/1] COPY --from=build /out /",
        "                     error: no such file: /out",
        "(internal)",
        "└─ ran 0.1s        [internal] load build context",
        "",
      ].join("\n"),
    );
  });

  it("paints the results of a tree and nothing else of it", () => {
    const painted = drawGraph(sampleBuild(), "tree", (text, result) => `<${result}>${text}</>`);
    expect(painted)
      .to.include("<cached>cached: shared</>  [build 1/3]")
      .and.include("<failed>failed 0.1s   </>  [prod");
    expect(painted.replaceAll(/<[^>]*>/g, "")).to.equal(drawGraph(sampleBuild(), "tree"));
  });

  it("draws a Mermaid flowchart with a box per step and an arrow per input", () => {
    const drawing = drawGraph(sampleBuild(), "mermaid");
    expect(drawing).to.match(/^flowchart TB\n {2}subgraph g0\["build"\]\n/);
    expect(drawing).to.include('    s2["#91;build 2/3#93; COPY . .<br/>ran 0.3s"]:::ran\n');
    expect(drawing.match(/ {2}s\d+ --> s\d+/g)).to.deep.equal([
      "  s1 --> s2",
      "  s0 --> s2",
      "  s2 --> s3",
      "  s3 --> s4",
    ]);
    for (const result of ["ran", "cached", "failed"]) expect(drawing).to.include(`  classDef ${result} fill:#`);
  });

  it("draws a Graphviz digraph with a box per step and an arrow per input", () => {
    const drawing = drawGraph(sampleBuild(), "dot");
    expect(drawing).to.match(/^digraph build \{\n[^]*\n\}\n$/);
    expect(drawing).to.include(
      '    s1 [label="[build 1/3] FROM docker.io/library/gcc:15\\ncached: shared", fillcolor="#',
    );
    expect(drawing.match(/s\d+ -> s\d+;/g)).to.have.length(4);
  });

  it("keeps names that mean something in a language from meaning it", () => {
    const build = sampleBuild({ steps: [sampleStep({ name: NASTY, stage: NASTY })] });
    const [, , node = ""] = drawGraph(build, "mermaid").split("\n");
    expect(node.replace(/^ {4}s0\["|"\]:::ran$/g, "").replace("<br/>", "")).to.match(
      /^(?:#\d+;|[^#"<>&`\\[\]{}()|;])+$/,
    );
    const [, , , , dotNode = ""] = drawGraph(build, "dot").split("\n");
    expect(dotNode).to.match(/^ {4}s0 \[label="(?:\\.|[^"\\])*", fillcolor="#[0-9a-f]{6}"\];$/);
    for (const drawing of DRAWINGS) expect(drawGraph(build, drawing)).not.to.match(/(?!\n)\p{Cc}|\p{Cf}/u);
  });

  it("draws a stage once for each platform that it is built for", () => {
    const steps = ["linux/amd64", "", "linux/arm64"].map((platform) => sampleStep({ stage: "build", platform }));
    const titles = (of: typeof steps): string[] | null =>
      drawGraph(sampleBuild({ steps: of }), "tree").match(/^build.*(?= {2}\()|^build.*$/gm);
    expect(titles(steps)).to.deep.equal(["build · linux/amd64", "build", "build · linux/arm64"]);
    expect(titles(steps.slice(0, 2))).to.deep.equal(["build"]);
  });

  it("keeps a stage that is named as MemoBuild names others apart from them", () => {
    const steps = [
      sampleStep({ stage: "internal" }),
      sampleStep({ isUser: false, stage: "" }),
      sampleStep({ stage: "" }),
    ];
    expect(drawGraph(sampleBuild({ steps }), "tree").match(/^[^├└ ].*$/gm)).to.deep.equal([
      "internal",
      "(no stage)",
      "(internal)",
    ]);
  });

  it("says that steps are missing", () => {
    for (const drawing of DRAWINGS) {
      expect(drawGraph(sampleBuild({ isCut: true }), drawing)).to.include("there were more steps than are kept");
    }
  });

  it("draws any steps, each on one line of its own", () => {
    const step = fc.record({
      name: fc.array(fc.nat({ max: 0x2fff }), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
      stage: fc.string(),
      inputs: fc.array(fc.integer({ min: -1, max: 9 })),
      result: fc.constantFrom(...STEP_RESULTS),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        const build = sampleBuild({ steps: steps.map((given) => sampleStep(given)) });
        expect(drawGraph(build, "tree").match(/^(├─|└─) /gm) ?? []).to.have.length(steps.length);
        expect(drawGraph(build, "mermaid").match(/^ {4}s\d+\[".*"\]:::\w+$/gm) ?? []).to.have.length(steps.length);
        expect(drawGraph(build, "dot").match(/^ {4}s\d+ \[label=".*", fillcolor="#\w+"\];$/gm) ?? []).to.have.length(
          steps.length,
        );
      }),
    );
  });
});
