/** What frontends and LLB can do on every builder of a farm: a client asks one, and builds on another. */
import protobuf from "protobufjs";
import { fieldsOf } from "./raw-message.js";
import type { RawField } from "./raw-message.js";

/** PongResponse: FrontendAPICaps and LLBCaps, each a list of APICap. */
const CAP_LISTS: ReadonlySet<number> = new Set([1, 2]);
/** Fields of APICap. */
const CAP_ID = 1;
const CAP_ENABLED = 2;

/**
 * A function that takes from an answer to LLBBridge.Ping what not all of `pongs` have enabled, and leaves everything else
 * as it was sent. It returns the same bytes where there is nothing to take, or where they cannot be read.
 */
export function sharedPong(pongs: readonly Buffer[]): (pong: Buffer) => Buffer {
  const enabled = pongs.map(enabledCaps).filter((caps) => caps !== undefined);
  return (pong) => {
    try {
      const fields = [...fieldsOf(pong)];
      const kept = fields.filter((field) => {
        const cap = enabledCap(field);
        return cap === undefined || enabled.every((caps) => caps.has(cap));
      });
      return kept.length === fields.length ? pong : Buffer.concat(kept.map(({ bytes }) => bytes));
    } catch {
      return pong;
    }
  };
}

/** Undefined where the answer cannot be read. */
function enabledCaps(pong: Buffer): ReadonlySet<string> | undefined {
  try {
    return new Set([...fieldsOf(pong)].map(enabledCap).filter((cap) => cap !== undefined));
  } catch {
    return undefined;
  }
}

/** List and id of an enabled capability; undefined for every other field. */
function enabledCap({ number, content }: RawField): string | undefined {
  if (!CAP_LISTS.has(number) || content === undefined) return undefined;
  let id = "";
  let isEnabled = false;
  for (const field of fieldsOf(content)) {
    if (field.number === CAP_ID && field.content !== undefined) id = field.content.toString();
    if (field.number === CAP_ENABLED) isEnabled = boolOf(field.bytes);
  }
  return isEnabled ? `${number} ${id}` : undefined;
}

function boolOf(field: Buffer): boolean {
  const reader = protobuf.Reader.create(field);
  reader.uint32(); // the tag
  return reader.bool();
}
