/** Versions of BuildKit: which comes before which, where that can be told. */

interface Version {
  readonly numbers: readonly number[];
  /** Such as "rc1": it comes before the version itself. */
  readonly preRelease: string;
}

const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;
/** What else stands behind a dash is a revision of who packs it, or a count of commits: it changes nothing. */
const PRE_RELEASE = /^(?:alpha|beta|rc|dev)/;

/** Undefined for what was not built from a release: its number is left out, zero, or a commit. */
function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, suffix = ""] = VERSION.exec(text) ?? [];
  const numbers = [major, minor, patch].map(Number);
  if (major === undefined || numbers.every((number) => number === 0)) return undefined;
  return { numbers, preRelease: PRE_RELEASE.test(suffix) ? suffix : "" };
}

function isBefore(one: Version, other: Version): boolean {
  for (const [index, number] of one.numbers.entries()) {
    const against = other.numbers[index] ?? 0;
    if (number !== against) return number < against;
  }
  if (one.preRelease === "" || other.preRelease === "")
    return one.preRelease !== other.preRelease && other.preRelease === "";
  return one.preRelease.localeCompare(other.preRelease, "en", { numeric: true }) < 0;
}

/** Undefined where one of them cannot be compared. */
export function isOlderVersion(version: string, than: string): boolean | undefined {
  const [one, other] = [parseVersion(version), parseVersion(than)];
  return one === undefined || other === undefined ? undefined : isBefore(one, other);
}
