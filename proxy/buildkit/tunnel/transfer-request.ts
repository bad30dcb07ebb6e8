/** What a builder asks of the client for a file transfer, from the metadata of its call (session/filesync of BuildKit). */
import { unescape } from "node:querystring";
import type { HeaderList } from "../../grpc/http2/header-list.js";

const DIFF_COPY_PATH = "/moby.filesync.v1.FileSync/DiffCopy";
/** Of each kind of pattern. */
const PATTERNS_MAX = 1000;

export interface TransferRequest {
  readonly name: string;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  readonly followPaths: readonly string[];
  /** Whether there were more patterns than are kept. */
  readonly isCut: boolean;
}

/** Undefined where the call is none for files of a directory. */
export function parseTransferRequest(headers: HeaderList): TransferRequest | undefined {
  const [path] = valuesOf(headers, ":path");
  if (path !== DIFF_COPY_PATH) return undefined;
  const include = decodedValuesOf(headers, "include-patterns");
  const exclude = decodedValuesOf(headers, "exclude-patterns");
  const follow = decodedValuesOf(headers, "followpaths");
  return {
    name: decodedValuesOf(headers, "dir-name")[0] ?? "",
    includePatterns: include.slice(0, PATTERNS_MAX),
    excludePatterns: exclude.slice(0, PATTERNS_MAX),
    followPaths: follow.slice(0, PATTERNS_MAX),
    isCut: [include, exclude, follow].some(({ length }) => length > PATTERNS_MAX),
  };
}

/** A key's values are escaped as in a URL's query where one of them is not ASCII; another key says so. */
function decodedValuesOf(headers: HeaderList, key: string): string[] {
  const values = valuesOf(headers, key);
  const [isEncoded] = valuesOf(headers, `${key}-encoded`);
  return isEncoded === "1" ? values.map((value) => unescape(value.replaceAll("+", " "))) : values;
}

function valuesOf(headers: HeaderList, key: string): string[] {
  return headers.filter((_value, i) => i % 2 === 1 && headers[i - 1] === key);
}
