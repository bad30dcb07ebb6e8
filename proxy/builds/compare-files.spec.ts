import { expect } from "chai";
import fc from "fast-check";
import type { ListedFile } from "./build-record.js";
import { compareFiles, fileIdentity } from "./compare-files.js";

const file = (more: Partial<ListedFile> = {}): ListedFile => ({
  ...{ path: "a", mode: 0o644, uid: 0, gid: 0, sizeBytes: 1, modifiedAtMs: 1000, linkname: "", contentHash: "h" },
  ...{ wasRequested: true, ...more },
});
const FOLDER = { mode: 0x80000000 + 0o755, contentHash: "" };
const LINK = { mode: (1 << 27) + 0o777, contentHash: "" };

describe("compareFiles", () => {
  const cases: readonly (readonly [what: string, before: ListedFile, after: ListedFile, change: readonly string[]])[] =
    [
      ["a size", file(), file({ sizeBytes: 2, contentHash: "i" }), ["size", "1 B", "2 B"]],
      ["content", file(), file({ contentHash: "i" }), ["content", "", ""]],
      ["content before mode", file(), file({ contentHash: "i", mode: 0o600 }), ["content", "", ""]],
      ["a mode", file(), file({ mode: 0o664 }), ["mode", "0644", "0664"]],
      ["setuid", file(), file({ mode: 0o644 + (1 << 23) }), ["mode", "0644", "4644"]],
      ["an owner", file(), file({ uid: 7 }), ["owner", "0:0", "7:0"]],
      ["a type", file(), file(FOLDER), ["type", "file", "folder"]],
      ["a link", file({ ...LINK, linkname: "x" }), file({ ...LINK, linkname: "y" }), ["link", "x", "y"]],
    ];
  for (const [what, before, after, change] of cases) {
    it(`tells ${what}`, () => {
      const { changed, unclear, touched } = compareFiles([before], [after]);
      expect(changed.map((found) => [found.change, found.before, found.after])).to.deep.equal([change]);
      expect([unclear, touched]).to.deep.equal([[], []]);
    });
  }

  it("tells another mode of a folder only where the builder has no copy of it that it brings up to date", () => {
    const [before, after] = [file({ ...FOLDER, path: "d" }), file({ ...FOLDER, path: "d", mode: 0x80000000 + 0o775 })];
    const changes = (wasRequested: boolean): readonly string[] =>
      compareFiles([before, file()], [after, file({ wasRequested })]).changed.map(
        ({ path, change }) => `${path} ${change}`,
      );
    expect(changes(true)).to.deep.equal(["d mode"]);
    expect(changes(false)).to.deep.equal([]);
    // It asks for what changed in any case.
    const changed = file({ path: "b", contentHash: "i" });
    expect(compareFiles([before, file({ path: "b" })], [after, changed]).changed).to.have.length(1);
  });

  it("tells what is new and what is gone, in order", () => {
    const { changed } = compareFiles([file({ path: "b" })], [file({ path: "c" }), file({ path: "a" })]);
    expect(changed.map(({ change, path }) => `${path} ${change}`)).to.deep.equal(["a added", "b removed", "c added"]);
  });

  it("takes a time for no change where the content is known to be the same", () => {
    const found = compareFiles([file()], [file({ modifiedAtMs: 2000 })]);
    expect(found).to.deep.equal({ changed: [], unclear: [], touched: ["a"] });
  });

  it("does not claim what was not seen: another time of a file whose bytes are not known", () => {
    const { changed, unclear } = compareFiles([file()], [file({ modifiedAtMs: 2000, contentHash: "" })]);
    expect(changed).to.deep.equal([]);
    expect(unclear).to.have.length(1);
  });

  it("counts no times, sizes and modes that builders do not count", () => {
    const none = { changed: [], unclear: [], touched: [] };
    expect(compareFiles([file(FOLDER)], [file({ ...FOLDER, modifiedAtMs: 5, sizeBytes: 9 })])).to.deep.equal(none);
    expect(compareFiles([file(LINK)], [file({ ...LINK, mode: (1 << 27) + 0o755 })])).to.deep.equal(none);
  });

  it("is symmetric, and finds a change between lists exactly where identities differ", () => {
    const some = fc.record({
      path: fc.constantFrom("a", "b", "c"),
      mode: fc.constantFrom(0o644, 0o664, FOLDER.mode, LINK.mode),
      uid: fc.nat(1),
      gid: fc.nat(1),
      sizeBytes: fc.nat(1),
      modifiedAtMs: fc.constantFrom(0, NaN, 1e300, 5),
      linkname: fc.constantFrom("", "x"),
      contentHash: fc.constantFrom("h", "i"),
      wasRequested: fc.boolean(),
    });
    // Of folders, not all that differs counts.
    const one = some.map((file) => (file.mode === FOLDER.mode ? { ...file, uid: 0, gid: 0 } : file));
    const list = fc.uniqueArray(one, { selector: ({ path }) => path });
    fc.assert(
      fc.property(list, list, (before, after) => {
        const [there, back] = [compareFiles(before, after), compareFiles(after, before)];
        expect(there.changed.map(({ path }) => path)).to.deep.equal(back.changed.map(({ path }) => path));
        const identities = (files: readonly ListedFile[]): string[] => files.map(fileIdentity).sort();
        const isSame = JSON.stringify(identities(before)) === JSON.stringify(identities(after));
        expect(there.changed.length === 0).to.equal(isSame);
      }),
    );
  });
});
