/** The record of a build as its calls may use it: a fault of the recorder is counted, and is none of theirs. */
import type { RecordedBuild } from "../builds/build-recorder.js";
import type { Guard } from "./guard.js";

/** Undefined where the build is not recorded. */
export function harmlessRecord(guard: Guard, begin: () => RecordedBuild | undefined): RecordedBuild | undefined {
  let begun: RecordedBuild | undefined;
  const tell = (what: () => void): void => {
    guard.look("record", what);
  };
  tell(() => {
    begun = begin();
  });
  const record = begun;
  if (record === undefined) return undefined;
  return {
    sessions: record.sessions,
    solving: (identity, options) => {
      tell(() => {
        record.solving(identity, options);
      });
    },
    statusBegan: () => {
      tell(() => {
        record.statusBegan();
      });
    },
    status: (message) => {
      tell(() => {
        record.status(message);
      });
    },
    statusEnded: (isComplete) => {
      tell(() => {
        record.statusEnded(isComplete);
      });
    },
    defined: (definition) => {
      tell(() => {
        record.defined(definition);
      });
    },
    transferred: (transfer) => {
      tell(() => {
        record.transferred(transfer);
      });
    },
    imported: (note) => {
      tell(() => {
        record.imported(note);
      });
    },
    fetched: (layer, bytes) => {
      tell(() => {
        record.fetched(layer, bytes);
      });
    },
    held: (ms) => {
      tell(() => {
        record.held(ms);
      });
    },
    ended: (code, message) => {
      tell(() => {
        record.ended(code, message);
      });
    },
    exported: (note) => {
      tell(() => {
        record.exported(note);
      });
    },
  };
}
