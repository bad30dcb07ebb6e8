/** Texts of steps' logs without values of build arguments, also where a value or a character comes in two pieces. */
import { StringDecoder } from "node:string_decoder";
import { maskValues, type ArgumentValues } from "./mask-values.js";

/** Of the end of a piece that may be the beginning of a value. */
const HELD_MAX_CHARS = 4_096;

interface Held {
  readonly stream: number;
  readonly decoder: StringDecoder;
  text: string;
}

export interface HeldText {
  readonly stream: number;
  readonly text: string;
}

export class LogTexts {
  readonly #values: ArgumentValues;
  /** Of each step, of its streams. */
  readonly #held = new Map<string, Held[]>();

  /** @param values may grow. */
  constructor(values: ArgumentValues) {
    this.#values = values;
  }

  /** What can be told after these bytes; "" where that has to wait for more of them. */
  add(step: string, stream: number, bytes: Buffer): string {
    const held = this.#of(step, stream);
    const text = maskValues(held.text + held.decoder.write(bytes), this.#values);
    const shown = text.length - this.#beginningOfValue(text);
    held.text = text.slice(shown);
    return text.slice(0, shown);
  }

  /** No more comes for now: what was held back. */
  end(step: string): HeldText[] {
    const held = this.#held.get(step) ?? [];
    this.#held.delete(step);
    const texts = held.map(({ decoder, stream, text }) => ({ stream, text: text + decoder.end() }));
    return texts.filter(({ text }) => text !== "");
  }

  /** Of all steps. */
  endAll(): (HeldText & { readonly step: string })[] {
    return [...this.#held.keys()].flatMap((step) => this.end(step).map((held) => ({ step, ...held })));
  }

  /** How many of its last characters could be the first ones of a value. */
  #beginningOfValue(text: string): number {
    let longest = 0;
    for (const value of this.#values.values()) {
      const most = Math.min(value.length - 1, text.length, HELD_MAX_CHARS);
      for (let length = most; length > longest; length--) if (text.endsWith(value.slice(0, length))) longest = length;
    }
    return longest;
  }

  #of(step: string, stream: number): Held {
    const streams = this.#held.get(step) ?? [];
    const known = streams.find((held) => held.stream === stream);
    if (known !== undefined) return known;
    const held = { stream, decoder: new StringDecoder("utf8"), text: "" };
    this.#held.set(step, [...streams, held]);
    return held;
  }
}
