/** Which cause of misses took most of the time, in one sentence for those who run builds. */
import type { CauseKind } from "./build-record.js";
import { formatElapsed } from "./format-elapsed.js";
import type { CauseCount, Cost } from "./history.js";

type Words = readonly [what: string, hint: string];

const EXPLAIN = "`memobuild builds explain` tells what changed in a build.";

/**
 * A first build is nobody's loss: there was nothing that it could have reused. What an input's change leads to counts
 * with where it began, wherever that was seen.
 */
const WORDS: Readonly<Record<Exclude<CauseKind, "first_build">, Words>> = {
  instruction_added: [
    "New instructions",
    "Add instructions behind those that take long, where the order does not matter.",
  ],
  instruction_changed: ["Changed instructions", "Keep what changes often behind what takes long."],
  argument_changed: [
    "Changed build arguments",
    "Declare an ARG that changes often as late as possible, right before the step that uses it.",
  ],
  environment_changed: [
    "A changed environment",
    "Set an ENV that changes often after the steps that do not need it, and give each build the same settings.",
  ],
  base_image_changed: ["Changed base images", "Pin base images by their digest to decide yourself when they change."],
  source_changed: ["Changed downloads and git sources", "Fetch fixed versions, by commit or checksum."],
  platform_changed: ["Changed platforms", ""],
  context_changed: ["Changed build contexts", EXPLAIN],
  files_changed: [
    "Changed files",
    "Copy what changes often behind what takes long, and keep what is not needed out with a .dockerignore.",
  ],
  file_modes_changed: [
    "Files of which only the mode or the owner changed",
    "Have each checkout give files the same mode and owner, or set them by COPY --chmod and --chown.",
  ],
  input_changed: ["Changed inputs", EXPLAIN],
  no_cache: ["Builds that ask for no cache", "Leave --no-cache out where the result of an earlier run will do."],
  evicted: ["Cache that was removed", "Allow the shared cache and the builders more room."],
  not_exported: [
    "Results that never came to the shared cache",
    "See how exports end: `memobuild builds inspect`, and memobuild_cache_exports_total.",
  ],
  import_failed: ["A shared cache that could not be used", "Check that builders reach MemoBuild's registry."],
  nondeterministic: [
    "Steps that give other files each time",
    "Make them give the same: no times, random values or downloads without a fixed version.",
  ],
  unknown: ["Causes that were not seen", ""],
};

/**
 * Undefined where nothing that ran need not have.
 *
 * @param buildsMs how long the builds took, of which these causes are.
 */
export function costsMost(causes: readonly CauseCount[], buildsMs: number): Cost | undefined {
  let most: Cost | undefined;
  for (const { durationMs, kind, steps } of causes) {
    if (kind === "first_build" || durationMs <= (most?.durationMs ?? 0)) continue;
    const [what, hint] = WORDS[kind];
    // Steps run beside each other, and may take longer together than their builds.
    const ran = `${stepsThatRun(kind, steps)}, ${formatElapsed(durationMs)} of work`;
    most = { text: `${what} made ${ran}; all builds together took ${formatElapsed(buildsMs)}.`, hint, durationMs };
  }
  return most;
}

function stepsThatRun(kind: CauseKind, steps: number): string {
  const run = `${steps === 1 ? "1 step" : `${steps} steps`} run`;
  // What an instruction adds did not run before.
  return kind === "instruction_added" ? run : `${run} again`;
}
