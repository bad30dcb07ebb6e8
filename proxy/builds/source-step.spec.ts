import { expect } from "chai";
import type { StepKind } from "./build-record.js";
import { describeSource, kindOfSource, sourceIdentity } from "./source-step.js";

const DIGEST = `sha256:${"a".repeat(64)}`;
const COMMIT = "b".repeat(40);

interface Case {
  readonly identifier: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly kind: StepKind;
  readonly shown: Readonly<Record<string, string>>;
  /** Another build gets the same from it. */
  readonly isPinned: boolean;
}

const CASES: readonly Case[] = [
  {
    ...{ identifier: `docker-image://docker.io/library/alpine:3@${DIGEST}`, kind: "image", isPinned: true },
    shown: { image: "docker.io/library/alpine:3", digest: DIGEST },
  },
  {
    ...{ identifier: "docker-image://host:5000/alpine", kind: "image", isPinned: false },
    shown: { image: "host:5000/alpine", digest: "" },
  },
  {
    identifier: `oci-layout://base@${DIGEST}`,
    kind: "image",
    isPinned: true,
    shown: { image: "base", digest: DIGEST },
  },
  { identifier: "local://context", kind: "local", isPinned: false, shown: { context: "context" } },
  {
    ...{ identifier: "git://user:secret@example.com/app.git#main:sub", kind: "git", isPinned: false },
    shown: { url: "git://example.com/app.git#main:sub" },
  },
  {
    ...{ identifier: `git://example.com/app.git#${COMMIT}:sub`, kind: "git", isPinned: true },
    shown: { url: `git://example.com/app.git#${COMMIT}:sub` },
  },
  {
    ...{
      identifier: "https://example.com/f?token=secret",
      attrs: { "http.checksum": DIGEST },
      kind: "http",
      isPinned: true,
    },
    shown: { url: "https://example.com/f" },
  },
  { identifier: "https://example.com/f", kind: "http", isPinned: false, shown: { url: "https://example.com/f" } },
];

describe("describeSource", () => {
  for (const { attrs = {}, identifier, isPinned, kind, shown } of CASES) {
    it(`describes ${identifier}`, () => {
      const source = { type: "source", identifier, attrs } as const;
      expect(kindOfSource(source)).to.equal(kind);
      expect(describeSource(source, (text) => text).shown).to.deep.equal(shown);
      expect(sourceIdentity(source) !== undefined).to.equal(isPinned);
    });
  }

  it("leaves out what each build makes anew, and takes in what matters", () => {
    const image = (attrs: Record<string, string>): string | undefined =>
      sourceIdentity({ type: "source", identifier: `oci-layout://base@${DIGEST}`, attrs });
    expect(image({ "oci.session": "1", "oci.store": "x" })).to.equal(image({ "oci.session": "2", "oci.store": "y" }));
    expect(image({ "oci.layerlimit": "1" })).not.to.equal(image({ "oci.layerlimit": "2" }));
  });

  it("masks values in what is shown", () => {
    const source = { type: "source", identifier: "docker-image://host/secret:1", attrs: {} } as const;
    const { shown } = describeSource(source, (text) => text.replace("secret", "${NAME}"));
    expect(shown["image"]).to.equal("host/${NAME}:1");
  });
});
