/** The YAML file: what counts as a value, and where each mistake stands. */
import { expect } from "chai";
import { givenByFile } from "./config-file.js";

const problemsOf = (yaml: string): string[] =>
  givenByFile("m.yaml", yaml).problems.map(({ option, message }) => `${option}: ${message}`);

describe("givenByFile", () => {
  it("reads values as they are written, with the line of each", () => {
    const { texts, problems } = givenByFile(
      "m.yaml",
      "# hi\ninsecure-listen: true\nlisten:\n  - unix:///a\n  - 'unix:///b'\n",
    );
    expect(problems).to.be.empty;
    expect(Object.fromEntries(texts)).to.deep.equal({
      "insecure-listen": [{ text: "true", source: "file", origin: "m.yaml:2: insecure-listen" }],
      listen: [
        { text: "unix:///a", source: "file", origin: "m.yaml:4: listen" },
        { text: "unix:///b", source: "file", origin: "m.yaml:5: listen" },
      ],
    });
  });

  it("takes an empty file, and one of comments, as no options", () => {
    for (const yaml of ["", "# nothing\n", "---\n"]) expect(problemsOf(yaml), yaml).to.be.empty;
  });

  const refused = {
    "- listen\n": "m.yaml: is not a YAML map of options",
    "http:\n": "m.yaml:1: http: needs one value",
    "http: {a: 1}\n": "m.yaml:1: http: needs one value",
    "listen: []\n": "m.yaml:1: listen: needs a value or a list of values",
    "\nlisten: [unix:///a, [b]]\n": "m.yaml:2: listen: needs a value or a list of values",
    "config: other.yaml\n": "m.yaml:1: config: cannot be set in the file itself",
    "a: &x 1\n": "m.yaml:1: a: unknown option",
    "http: *gone\n": "m.yaml:1: http: needs one value",
  };
  for (const [yaml, problem] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(yaml)}`, () => {
      expect(problemsOf(yaml)).to.deep.equal([problem]);
    });
  }

  it("gives the line of bad YAML and of a key given twice, in one line each", () => {
    expect(problemsOf("http: a\nlog-level: [\n")[0]).to.match(/^m\.yaml:\d: [^\n]+$/);
    expect(problemsOf("http: a\nhttp: b\n")).to.deep.equal(["m.yaml:2: Map keys must be unique"]);
  });
});
