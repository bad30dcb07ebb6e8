/** Strings that the tests hide in build arguments, secrets, credentials and the like: no log line or metric may show one. */
import { expect } from "chai";
import type { MemoBuild } from "../support/memobuild.js";

export const MARKERS = {
  buildArg: "marker-build-arg-3f9c",
  secret: "marker-secret-81aa",
  sshKey: "marker-ssh-key-52bd",
  password: "marker-password-c07e",
  cacheAttribute: "marker-cache-attribute-d41b",
  label: "marker-label-9ae2",
  content: "marker-content-66f0",
} as const;

/** Checks all that MemoBuild has shown so far. */
export async function expectNoMarkers(memobuild: MemoBuild): Promise<void> {
  const shown = memobuild.logs().map((line) => JSON.stringify(line));
  const metrics = (await memobuild.metrics()).split("\n");
  const telling = [...shown, ...metrics].filter((line) =>
    Object.values(MARKERS).some((marker) => line.includes(marker)),
  );
  expect(telling).to.deep.equal([]);
}
