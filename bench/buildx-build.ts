/** Runs one `buildx build` that must succeed, and takes the time of one of its steps from the daemon's own record. */
import type { Buildx } from "../proxy/test/support/buildx.js";
import { within } from "../proxy/test/support/poll.js";

const BUILD_LIMIT_MS = 180_000;

export interface BuildTimes {
  /** From the start of the process to its end. */
  readonly wallMs: number;
  /** What it wrote with `--progress=rawjson`. */
  readonly progress: readonly Progress[];
}

interface Progress {
  readonly vertexes?: readonly { readonly name: string; readonly started?: string; readonly completed?: string }[];
  readonly statuses?: readonly { readonly id: string; readonly current?: number }[];
}

export async function buildxBuild(buildx: Buildx, args: readonly string[], signal: AbortSignal): Promise<BuildTimes> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const running = buildx.start(["build", "--progress=rawjson", ...args]);
  const kill = (): void => {
    running.signal("SIGKILL");
  };
  signal.addEventListener("abort", kill, { once: true });
  try {
    const { code, stderr } = await within(running.exited, BUILD_LIMIT_MS, "the end of buildx build");
    const wallMs = performance.now() - startedAt;
    if (code !== 0) throw new Error(`buildx build ended with ${code}:\n${stderr.slice(-2000)}`);
    const lines = stderr.split("\n").filter((line) => line.startsWith("{"));
    return { wallMs, progress: lines.map((line) => JSON.parse(line) as Progress) };
  } finally {
    signal.removeEventListener("abort", kill);
    kill();
  }
}

/** How long the step took at the daemon. A step is reported more than once; the longest is the one that did the work. */
export function stepMs({ progress }: BuildTimes, name: string): number {
  const spans = progress
    .flatMap(({ vertexes }) => vertexes ?? [])
    .filter((vertex) => vertex.name === name)
    .map(({ started, completed }) => Date.parse(completed ?? "") - Date.parse(started ?? ""))
    .filter((ms) => !Number.isNaN(ms));
  if (spans.length === 0) throw new Error(`the build reports no step "${name}"`);
  return Math.max(...spans);
}

/** Bytes that the daemon says it got of the context. */
export function contextBytes({ progress }: BuildTimes): number {
  const transfers = progress.flatMap(({ statuses }) => statuses ?? []).filter(({ id }) => id.includes("context"));
  return Math.max(0, ...transfers.map(({ current }) => current ?? 0));
}
