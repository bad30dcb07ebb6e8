/** Server-sent events, read line by line: the part of the HTML standard's format that our server writes. */

export interface SentEvent {
  /** Where to continue after it. */
  readonly id: string;
  readonly type: string;
  /** "" of an event that only tells where to continue. */
  readonly data: string;
}

export class EventLines {
  #id: string;
  #type = "";
  #data: string[] = [];

  /** @param id where the stream continues */
  constructor(id = "") {
    this.#id = id;
  }

  /** The event that ends with this line. */
  add(line: string): SentEvent | undefined {
    if (line === "") return this.#take();
    const [, field, value = ""] = /^([a-z]+)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "id") this.#id = value;
    if (field === "event") this.#type = value;
    if (field === "data") this.#data.push(value);
    return undefined;
  }

  #take(): SentEvent {
    const event = { id: this.#id, type: this.#type, data: this.#data.join("\n") };
    this.#type = "";
    this.#data = [];
    return event;
  }
}
