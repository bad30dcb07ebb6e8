/** Which versions are older than which, as daemons and packagers spell them. */
import { expect } from "chai";
import { isOlderVersion } from "./builder-version.js";

describe("isOlderVersion", () => {
  const table: readonly (readonly [string, string, boolean | undefined])[] = [
    ["v0.11.6", "v0.28.1", true],
    ["v0.28.0", "v0.28.1", true],
    ["v0.28.1", "v0.28.1", false],
    ["0.28.1", "v0.28.1", false],
    ["v0.28.1", "0.28.1", false],
    ["v0.9.0", "v0.28.1", true],
    ["v0.100.0", "v0.28.1", false],
    ["v1.0.0", "v0.28.1", false],
    ["v0.11.7+d3e6c1360f6e", "v0.28.1", true],
    ["v0.32.2+d3e6c1360f6e", "v0.28.1", false],
    ["v0.12.5-1", "v0.12.5", false],
    ["v0.12.5-0ubuntu1", "v0.12.5", false],
    ["v0.12.4-7", "v0.12.5", true],
    ["v0.28.1-5-g0123abc.m", "v0.28.1", false],
    ["v0.28.1-rc1", "v0.28.1", true],
    ["v0.28.1", "v0.28.1-rc1", false],
    ["v0.29.0-rc2", "v0.29.0-rc10", true],
    ["v0.29.0-rc1", "v0.29.0-rc1", false],
    ["", "v0.28.1", undefined],
    ["v0.0.0+unknown", "v0.28.1", undefined],
    ["v0.0.0-20260101120000-0123456789ab", "v0.28.1", undefined],
    ["0123456789ab", "v0.28.1", undefined],
    ["master", "v0.28.1", undefined],
    ["v0.28", "v0.28.1", undefined],
  ];
  for (const [version, than, expected] of table) {
    it(`${version === "" ? "no version" : version} than ${than}: ${expected ?? "cannot be told"}`, () => {
      expect(isOlderVersion(version, than)).to.equal(expected);
    });
  }
});
