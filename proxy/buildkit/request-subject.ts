/** What a request is about: the ref of a build, or the digest of a blob, where it names one. */
import protobuf from "protobufjs";
import { CONTENT, CONTROL } from "./methods.js";
import { fieldsOf } from "./raw-message.js";

/** Path of a call → field of its request that holds a ref. */
const REF_FIELDS: ReadonlyMap<string, number> = new Map([
  [CONTROL.status, 1],
  [CONTROL.updateBuildHistory, 1],
  [CONTROL.listenBuildHistory, 2],
]);

const DIGEST_FIELD = 1;
const WITH_DIGEST: ReadonlySet<string> = new Set([CONTENT.info, CONTENT.read, CONTENT.delete]);

/** The ref that a request asks for; undefined where it names none, or cannot be read. */
export function refOf(path: string, message: Buffer): string | undefined {
  const field = REF_FIELDS.get(path);
  return field === undefined ? undefined : textOf(message, field);
}

/** The digest that a request of the content store asks for; undefined where it names none, or cannot be read. */
export function digestOf(path: string, message: Buffer): string | undefined {
  return WITH_DIGEST.has(path) ? textOf(message, DIGEST_FIELD) : undefined;
}

/** Request of Content.Info. */
export function contentInfoRequest(digest: string): Uint8Array {
  const lengthDelimited = 2;
  return protobuf.Writer.create()
    .uint32((DIGEST_FIELD << 3) | lengthDelimited)
    .string(digest)
    .finish();
}

function textOf(message: Buffer, field: number): string | undefined {
  try {
    // Of a field that is there twice, the last counts.
    const text = [...fieldsOf(message)].findLast(({ number }) => number === field)?.content?.toString();
    return text === "" ? undefined : text;
  } catch {
    return undefined;
  }
}
