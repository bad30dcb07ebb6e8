/** Promises of the lists of files that a client sent. */
import { expect } from "chai";
import type { FileTransfer, TransferredFile } from "../buildkit/tunnel/file-transfer.js";
import type { ListedFile } from "./build-record.js";
import { collectFiles, withKnownContent } from "./collect-files.js";

const file = (path: string, some: Partial<TransferredFile> = {}): TransferredFile => ({
  ...{ path, mode: 0o644, uid: 0, gid: 0, sizeBytes: 3, modifiedAtMs: 5, linkname: "", wasRequested: false },
  ...some,
});
const listed = (path: string, some: Partial<ListedFile> = {}): ListedFile => ({
  ...{ ...file(path), contentHash: "" },
  ...some,
});
const transfer = (files: readonly TransferredFile[], some: Partial<FileTransfer> = {}): FileTransfer => ({
  ...{ name: "context", includePatterns: [], excludePatterns: [], followPaths: [], isComplete: true, sentBytes: 10 },
  files,
  ...some,
});

describe("collectFiles", () => {
  it("keeps folders apart, each sorted by path", () => {
    const folders = collectFiles([
      transfer([file("b"), file("a")]),
      transfer([file("Dockerfile")], { name: "dockerfile" }),
    ]);
    expect([...folders.keys()]).to.deep.equal(["context", "dockerfile"]);
    expect(folders.get("context")?.files.map(({ path }) => path)).to.deep.equal(["a", "b"]);
  });

  it("puts together what was sent of one folder in parts", () => {
    const sent = file("a", { wasRequested: true, contentHash: "h" });
    const folder = collectFiles([transfer([sent, file("b")]), transfer([file("a"), file("c")])]).get("context");
    expect(folder).to.deep.include({ isComplete: true, requestedFiles: 1, sentBytes: 20 });
    expect(folder?.files).to.deep.equal([
      listed("a", { wasRequested: true, contentHash: "h" }),
      listed("b"),
      listed("c"),
    ]);
  });

  it("takes the later one of a file that changed in between", () => {
    const before = file("a", { contentHash: "old", wasRequested: true });
    const after = file("a", { sizeBytes: 4 });
    const folder = collectFiles([transfer([before]), transfer([after])]).get("context");
    expect(folder?.files).to.deep.equal([listed("a", { sizeBytes: 4 })]);
  });

  it("is not complete where a part is not", () => {
    const folder = collectFiles([transfer([]), transfer([], { isComplete: false })]).get("context");
    expect(folder?.isComplete).to.equal(false);
  });
});

describe("withKnownContent", () => {
  const earlier = [listed("a", { contentHash: "known" })];

  it("knows the content of a file that the builder did not ask for, as it had it", () => {
    expect(withKnownContent([listed("a"), listed("b")], earlier)).to.deep.equal([
      listed("a", { contentHash: "known" }),
      listed("b"),
    ]);
  });

  for (const [what, changed] of [
    ["was asked for", { wasRequested: true }],
    ["has another size", { sizeBytes: 4 }],
    ["has another time", { modifiedAtMs: 5.5 }],
    ["has another mode", { mode: 0o600 }],
    ["links elsewhere", { linkname: "x" }],
    ["was sent", { contentHash: "sent" }],
  ] as const) {
    it(`says nothing of one that ${what}`, () => {
      expect(withKnownContent([listed("a", changed)], earlier)).to.deep.equal([listed("a", changed)]);
    });
  }
});
