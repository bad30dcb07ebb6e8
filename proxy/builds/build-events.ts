/** The latest events, for those who follow builds. */
import { randomBytes } from "node:crypto";
import type { BuildEvent, EventPage } from "./build-desk.js";

/** Kept for those who ask now and then; who is slower reads anew. */
export const EVENTS_MAX = 2_000;
const EPOCH_BYTES = 4;

/** A cursor is `<epoch>-<seq>`: another process has another epoch. */
export class BuildEvents {
  readonly #epoch = randomBytes(EPOCH_BYTES).toString("hex");
  readonly #events: BuildEvent[] = [];
  readonly #listeners = new Set<() => void>();
  #seq = 0;

  add(event: Omit<BuildEvent, "seq">): void {
    this.#seq += 1;
    this.#events.push({ ...event, seq: this.#seq });
    if (this.#events.length > EVENTS_MAX) this.#events.shift();
    for (const listener of this.#listeners) listener();
  }

  after(cursor: string | undefined, limit: number): EventPage {
    if (cursor === undefined) return { events: [], cursor: this.#cursorOf(this.#seq), isReset: false };
    const [epoch, seqText = ""] = cursor.split("-");
    const seq = epoch === this.#epoch && /^\d{1,15}$/.test(seqText) ? Number(seqText) : undefined;
    const firstKept = this.#seq - this.#events.length;
    const isReset = seq === undefined || seq < firstKept || seq > this.#seq;
    const events = isReset ? [] : this.#events.slice(seq - firstKept, seq - firstKept + limit);
    return { events, cursor: this.#cursorOf(events.at(-1)?.seq ?? (isReset ? this.#seq : seq)), isReset };
  }

  onEvents(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  #cursorOf(seq: number): string {
    return `${this.#epoch}-${seq}`;
  }
}
