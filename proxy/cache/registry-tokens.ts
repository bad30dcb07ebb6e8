/** Who may do what: unguessable tokens, and what each of them stands for. */
import { createHash, randomBytes } from "node:crypto";
import { TOKEN_BYTES } from "./registry-paths.js";

/** A token, and how to end it. */
export interface Ticket {
  readonly token: string;
  /** The token is not known from here on; more than once does no harm. */
  readonly forget: () => void;
}

/** Looked up by hash, so that the time an answer takes says nothing about how much of a guess was right. */
export class TokenTable<T> {
  readonly #values = new Map<string, T>();

  /** @param create makes what the new token stands for. */
  add<V extends T>(create: (ticket: Ticket) => V): V {
    const token = randomBytes(TOKEN_BYTES).toString("hex");
    const hash = hashOf(token);
    const value = create({ token, forget: () => this.#values.delete(hash) });
    this.#values.set(hash, value);
    return value;
  }

  find(token: string): T | undefined {
    return this.#values.get(hashOf(token));
  }

  values(): T[] {
    return [...this.#values.values()];
  }
}

const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");
