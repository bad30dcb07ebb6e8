/** Control.Status: reads along which steps of a build ran, and what they said. */
import type { Interception } from "../relay/interception.js";
import { BuildProgress } from "./build-progress.js";
import type { ClientBuilds } from "./client-builds.js";

/** Of one connection: more builds than run at once, as a client may ask for builds that never come. */
const PROGRESS_MAX = 1_000;

export function interceptStatus(client: ClientBuilds): Interception {
  const { guard, messages } = client.deps;
  const progress = new BuildProgress();
  let ref = "";
  return {
    request: guard.request("status", (message) => {
      ref = messages.statusRequest.decode(message).ref;
      // It may come before its build; there is one at a time that counts.
      if (!client.progress.has(ref) && client.progress.size < PROGRESS_MAX) {
        client.progress.set(ref, progress);
        const record = client.builds.get(ref)?.record;
        if (record !== undefined) progress.recordTo(record);
      }
      return Promise.resolve(message);
    }),
    observeResponse: (message) => {
      if (
        message === undefined ||
        !guard.look("status", () => {
          progress.add(messages.statusResponse.decode(message));
        })
      )
        progress.loseTrack();
    },
    ended: (code) => {
      if (code !== "OK") progress.loseTrack();
      progress.end();
      // The end of the build looks at it, and removes it.
      if (!client.builds.has(ref) && client.progress.get(ref) === progress) client.progress.delete(ref);
    },
  };
}
