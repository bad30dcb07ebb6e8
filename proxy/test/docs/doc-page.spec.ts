/** Pages of documentation are read as they are shown. */
import { expect } from "chai";
import { anchorOf, parseDocPage } from "./doc-page.js";

const page = (...lines: readonly string[]) => parseDocPage(lines.join("\n"));

describe("parseDocPage", () => {
  it("finds blocks with their marks, lines and languages", () => {
    const { blocks } = page(
      "# A",
      "<!-- run: shell -->",
      "",
      "```sh",
      "ls",
      "pwd",
      "```",
      "",
      "<!-- needs: a disk -->",
      "```",
      "x",
      "```",
    );
    expect(blocks).to.deep.equal([
      { line: 4, language: "sh", mark: { kind: "run", value: "shell" }, text: "ls\npwd\n" },
      { line: 10, language: "", mark: { kind: "needs", value: "a disk" }, text: "x\n" },
    ]);
  });

  it("leaves a block without a mark, or with one that nobody knows, unmarked", () => {
    for (const before of ["text", "<!-- runs: shell -->", "<!-- run: later -->", "<!-- run:shell -->"])
      expect(page(before, "```sh", "ls", "```").blocks[0]?.mark, before).to.equal(undefined);
  });

  it("does not take one block's mark for the next", () => {
    const { blocks } = page("<!-- run: shell -->", "```sh", "ls", "```", "```sh", "pwd", "```");
    expect(blocks.map(({ mark }) => mark?.value)).to.deep.equal(["shell", undefined]);
  });

  it("finds links, code and anchors outside of blocks only", () => {
    const { links, code, anchors } = page(
      "## The `a` part",
      "see [x](y.md#z) and `[a](b)`",
      "```",
      "# no",
      "[no](no.md)",
      "```",
      "## The a part",
    );
    expect(links).to.deep.equal([{ line: 2, target: "y.md#z" }]);
    expect(code.map(({ text }) => text)).to.deep.equal(["a", "[a](b)"]);
    expect([...anchors]).to.deep.equal(["the-a-part", "the-a-part-1"]);
  });

  it("refuses a block without an end", () => {
    expect(() => page("```sh", "ls")).to.throw("line 1 does not end");
  });
});

describe("anchorOf", () => {
  it("is GitHub's", () => {
    const headings = {
      "Run it": "run-it",
      "What's `--cache off`?": "whats---cache-off",
      "A [link](x.md), too": "a-link-too",
    };
    for (const [heading, anchor] of Object.entries(headings)) expect(anchorOf(heading)).to.equal(anchor);
  });
});
