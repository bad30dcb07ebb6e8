/** Where a page of the list of builds ended: the next one begins behind it, whatever was added since. */
import { z } from "zod";

/** The text is no cursor that a list gave. */
export class BadCursorError extends Error {
  override readonly name = "BadCursorError";
}

export interface BuildCursor {
  readonly startedAtMs: number;
  readonly id: number;
}

const CURSOR_MAX_CHARS = 100;
const CURSOR = z.tuple([z.int(), z.int()]);

export const formatCursor = ({ startedAtMs, id }: BuildCursor): string =>
  Buffer.from(JSON.stringify([startedAtMs, id])).toString("base64url");

/** @throws BadCursorError */
export function parseCursor(text: string): BuildCursor {
  try {
    if (text.length > CURSOR_MAX_CHARS) throw new Error("too long");
    const [startedAtMs, id] = CURSOR.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    return { startedAtMs, id };
  } catch (error) {
    throw new BadCursorError("no cursor of a list of builds", { cause: error });
  }
}
