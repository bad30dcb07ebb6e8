/** Who may do what: unguessable tokens, and what each of them stands for. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { TOKEN_BYTES } from "./registry-paths.js";

/** A token, and how to end it. */
export interface Ticket {
  readonly token: string;
  /** The token is not known from here on; more than once does no harm. */
  readonly forget: () => void;
}

interface Entry<T> {
  readonly hash: Buffer;
  readonly value: T;
}

/** Looked up by hash, so that the time an answer takes says nothing about how much of a guess was right. */
export class TokenTable<T> {
  readonly #entries = new Map<string, Entry<T>>();

  /** @param create makes what the new token stands for. */
  add<V extends T>(create: (ticket: Ticket) => V): V {
    const token = randomBytes(TOKEN_BYTES).toString("hex");
    const hash = hashOf(token);
    const key = hash.toString("hex");
    const value = create({ token, forget: () => this.#entries.delete(key) });
    this.#entries.set(key, { hash, value });
    return value;
  }

  find(token: string): T | undefined {
    const hash = hashOf(token);
    const entry = this.#entries.get(hash.toString("hex"));
    return entry !== undefined && timingSafeEqual(entry.hash, hash) ? entry.value : undefined;
  }

  values(): T[] {
    return [...this.#entries.values()].map(({ value }) => value);
  }
}

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();
