/** Paths and ranges of the registry. */
import { expect } from "chai";
import fc from "fast-check";
import { parseRange, parseRegistryPath, probePathOf, repositoryOf } from "./registry-paths.js";

const TOKEN = "0123456789abcdef0123456789abcdef";
const DIGEST = `sha256:${"ab".repeat(32)}`;
const BASE = `/v2/${repositoryOf(TOKEN)}`;

describe("parseRegistryPath", () => {
  const known = {
    [`${BASE}/manifests/${DIGEST}`]: { kind: "manifest", reference: DIGEST },
    [`${BASE}/manifests/a.Tag-1`]: { kind: "manifest", reference: "a.Tag-1" },
    [`${BASE}/blobs/${DIGEST}`]: { kind: "blob", digest: DIGEST },
    [`${BASE}/blobs/uploads/`]: { kind: "uploads" },
    [`${BASE}/blobs/uploads`]: { kind: "uploads" },
    [`${BASE}/blobs/uploads/${TOKEN}`]: { kind: "upload", id: TOKEN },
    [probePathOf(TOKEN)]: { kind: "http-probe" },
  };
  for (const [path, target] of Object.entries(known)) {
    it(`knows ${path}`, () => {
      const parsed = parseRegistryPath(`${path}?digest=x%3Ay`);
      expect(parsed).to.deep.include({ token: TOKEN, target });
      expect(parsed?.query.get("digest")).to.equal("x:y");
    });
  }

  const unknown = [
    ...[
      "",
      "/",
      "/v2",
      "/v2/",
      "/v2/_catalog",
      `/v2/${TOKEN}`,
      `/v2/${TOKEN}/manifests/x`,
      `/probe/${TOKEN}/x`,
      "/probe/",
    ],
    ...[`/v2/${TOKEN.slice(1)}/cache/blobs/${DIGEST}`, `/v2/${TOKEN.toUpperCase()}/cache/blobs/${DIGEST}`],
    ...[`/v2/${TOKEN}/other/blobs/${DIGEST}`, `${BASE}/blobs/${DIGEST}0`, `${BASE}/blobs/${DIGEST.toUpperCase()}`],
    ...[
      `${BASE}/blobs/sha512:${"ab".repeat(64)}`,
      `${BASE}/blobs/../blobs/${DIGEST}`,
      `${BASE}/blobs/`,
      `${BASE}/tags/list`,
    ],
    ...[`${BASE}/blobs/uploads/../${TOKEN}`, `${BASE}/manifests/-x`, `${BASE}/manifests/${"x".repeat(129)}`],
    ...[`http://host${BASE}/blobs/${DIGEST}`, `${BASE}/manifests/a%2fb`, `${BASE}/manifests/x\n`],
  ];
  for (const path of unknown) {
    it(`does not know ${JSON.stringify(path)}`, () => {
      expect(parseRegistryPath(path)).to.be.undefined;
    });
  }

  it("takes a token out of no text but one with a token in it", () => {
    const part = fc.constantFrom(
      "/v2/",
      TOKEN,
      "/cache/",
      "blobs/",
      "manifests/",
      "uploads/",
      DIGEST,
      "?",
      "/probe/",
      "%",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string({ maxLength: 3 })), { maxLength: 8 }), (parts) => {
        const url = parts.join("");
        const parsed = parseRegistryPath(url);
        if (parsed !== undefined) expect(url).to.include(parsed.token);
      }),
    );
  });
});

describe("parseRange", () => {
  const cases: readonly (readonly [string | undefined, number, unknown])[] = [
    [undefined, 10, undefined],
    ["bytes=0-0", 10, { first: 0, last: 0 }],
    ["bytes=3-", 10, { first: 3, last: 9 }],
    ["bytes=3-100", 10, { first: 3, last: 9 }],
    ["bytes=-4", 10, { first: 6, last: 9 }],
    ["bytes=-40", 10, { first: 0, last: 9 }],
    ["bytes=-0", 10, "unsatisfiable"],
    ["bytes=10-", 10, "unsatisfiable"],
    ["bytes=10-12", 10, "unsatisfiable"],
    ["bytes=0-", 0, "unsatisfiable"],
    ["bytes=5-3", 10, undefined],
    ["bytes=-", 10, undefined],
    ["bytes=0-1,3-4", 10, undefined],
    ["bytes=a-b", 10, undefined],
    ["items=0-1", 10, undefined],
    [`bytes=0-${"9".repeat(40)}`, 10, undefined],
  ];
  for (const [header, sizeBytes, expected] of cases) {
    it(`reads ${header ?? "no header"} of ${sizeBytes} bytes`, () => {
      expect(parseRange(header, sizeBytes)).to.deep.equal(expected);
    });
  }

  it("gives a range inside the blob, or none", () => {
    const number = fc.oneof(fc.constant(""), fc.nat().map(String));
    fc.assert(
      fc.property(number, number, fc.nat(), (from, to, sizeBytes) => {
        const range = parseRange(`bytes=${from}-${to}`, sizeBytes);
        if (typeof range !== "object") return;
        expect(range.first).to.be.within(0, range.last);
        expect(range.last).to.be.lessThan(sizeBytes);
      }),
    );
  });
});
