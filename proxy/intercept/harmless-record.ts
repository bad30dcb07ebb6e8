/** The record of a build as its calls may use it: a fault of the recorder is counted, and is none of theirs. */
import type { RecordedBuild } from "../builds/recording.js";
import type { Guard } from "./guard.js";

/** Undefined where the build is not recorded. */
export function harmlessRecord(guard: Guard, begin: () => RecordedBuild | undefined): RecordedBuild | undefined {
  const begun: RecordedBuild[] = [];
  guard.look("record", () => {
    const record = begin();
    if (record !== undefined) begun.push(new HarmlessRecord(record, guard));
  });
  return begun[0];
}

class HarmlessRecord implements RecordedBuild {
  readonly #record: RecordedBuild;
  readonly #guard: Guard;

  constructor(record: RecordedBuild, guard: Guard) {
    this.#record = record;
    this.#guard = guard;
  }

  get sessions(): RecordedBuild["sessions"] {
    return this.#record.sessions;
  }

  solving(...args: Parameters<RecordedBuild["solving"]>): void {
    this.#tell((record) => {
      record.solving(...args);
    });
  }

  statusBegan(): void {
    this.#tell((record) => {
      record.statusBegan();
    });
  }

  status(...args: Parameters<RecordedBuild["status"]>): void {
    this.#tell((record) => {
      record.status(...args);
    });
  }

  statusEnded(...args: Parameters<RecordedBuild["statusEnded"]>): void {
    this.#tell((record) => {
      record.statusEnded(...args);
    });
  }

  defined(...args: Parameters<RecordedBuild["defined"]>): void {
    this.#tell((record) => {
      record.defined(...args);
    });
  }

  transferred(...args: Parameters<RecordedBuild["transferred"]>): void {
    this.#tell((record) => {
      record.transferred(...args);
    });
  }

  imported(...args: Parameters<RecordedBuild["imported"]>): void {
    this.#tell((record) => {
      record.imported(...args);
    });
  }

  fetched(...args: Parameters<RecordedBuild["fetched"]>): void {
    this.#tell((record) => {
      record.fetched(...args);
    });
  }

  held(...args: Parameters<RecordedBuild["held"]>): void {
    this.#tell((record) => {
      record.held(...args);
    });
  }

  moved(...args: Parameters<RecordedBuild["moved"]>): void {
    this.#tell((record) => {
      record.moved(...args);
    });
  }

  ended(...args: Parameters<RecordedBuild["ended"]>): void {
    this.#tell((record) => {
      record.ended(...args);
    });
  }

  exported(...args: Parameters<RecordedBuild["exported"]>): void {
    this.#tell((record) => {
      record.exported(...args);
    });
  }

  #tell(what: (record: RecordedBuild) => void): void {
    this.#guard.look("record", () => {
      what(this.#record);
    });
  }
}
