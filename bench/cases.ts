/** The cases of the relay's benchmark: what is done once, what is timed, and what is asked of the result. */
import { randomBytes } from "node:crypto";
import { mkdir, open, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Buildx } from "../proxy/test/support/buildx.js";
import { writeFiles } from "../proxy/test/support/temp-dir.js";
import { buildxBuild, contextBytes, stepMs } from "./buildx-build.js";
import { connectCaller, makeCalls } from "./grpc-calls.js";
import type { Route, Transport } from "./world.js";

const LARGE_BYTES = 2 ** 30;
const PIECE_BYTES = 64 * 2 ** 20;
const PARALLEL_BUILDS = 64;
const SERIAL_CALLS = 500;
const CALLS_IN_FLIGHT = 64;
const PARALLEL_CALLS = 4_000;

/** One way to the daemon. */
export interface Way {
  readonly address: string;
  readonly buildx: Buildx;
}

export interface Timing {
  /** What the ratios are made of. */
  readonly ms: number;
  /** Of the whole command, where `ms` is that of one step. */
  readonly wallMs?: number;
}

export interface BenchCase {
  readonly name: string;
  readonly title: string;
  readonly transport: Transport;
  readonly routes: readonly Route[];
  readonly rounds: number;
  /** Rounds before those that count: they fill caches, and let proxies reach the speed of one that has served a while. */
  readonly warmUpRounds?: number;
  /** Operations in one timing: the report gives the time of one. */
  readonly operations: number;
  /** Bytes in one timing: the report gives throughput, and ratios of it. */
  readonly bytes?: number;
  /** Bounds for the ratio to another route: at most for times, at least for throughput. */
  readonly targets: Readonly<Partial<Record<Route, number>>>;
  /** Makes the inputs below `dir` and returns what times one run. */
  prepare(dir: string): Promise<(way: Way, signal: AbortSignal) => Promise<Timing>>;
}

async function writeLargeContext(dir: string): Promise<string> {
  await writeFiles(dir, { Dockerfile: "FROM scratch\nCOPY large /large\n" });
  const path = join(dir, "large");
  const file = await open(path, "w");
  try {
    for (let at = 0; at < LARGE_BYTES; at += PIECE_BYTES) await file.write(randomBytes(PIECE_BYTES));
  } finally {
    await file.close();
  }
  return path;
}

const noOpBuild: Pick<BenchCase, "rounds" | "warmUpRounds" | "operations" | "targets" | "prepare"> = {
  rounds: 40,
  warmUpRounds: 20,
  operations: 1,
  targets: { direct: 1.1 },
  prepare: async (dir) => {
    const dockerfile = "FROM scratch AS a\nCOPY one /\nFROM scratch\nCOPY two /\nCOPY --from=a /one /copied\n";
    await writeFiles(dir, { Dockerfile: dockerfile, one: "1\n", two: "2\n" });
    return async ({ buildx }, signal) => {
      const { wallMs } = await buildxBuild(buildx, [dir], signal);
      return { ms: wallMs };
    };
  },
};

const contextUpload: BenchCase = {
  name: "upload",
  title: "1 GiB context upload",
  transport: "unix",
  routes: ["direct", "memobuild", "pipe"],
  rounds: 10,
  operations: 1,
  bytes: LARGE_BYTES,
  targets: { direct: 0.6, pipe: 0.85 },
  prepare: async (dir) => {
    const large = await writeLargeContext(dir);
    let changedAt = 1_000_000_000;
    return async ({ buildx }, signal) => {
      // A file with another time is sent again in full, but its digest is the same and no step after the upload runs.
      changedAt += 1;
      await utimes(large, changedAt, changedAt);
      const build = await buildxBuild(buildx, [dir], signal);
      if (contextBytes(build) < LARGE_BYTES) throw new Error("the context was not sent again");
      return { ms: stepMs(build, "[internal] load build context"), wallMs: build.wallMs };
    };
  },
};

const tarOutput: BenchCase = {
  ...contextUpload,
  name: "tar",
  title: "1 GiB `type=tar` output",
  prepare: async (dir) => {
    await writeLargeContext(dir);
    return async ({ buildx }, signal) => {
      const build = await buildxBuild(buildx, ["--output", "type=tar,dest=/dev/null", dir], signal);
      return { ms: stepMs(build, "exporting to client tarball"), wallMs: build.wallMs };
    };
  },
};

const parallelBuilds: BenchCase = {
  name: "parallel",
  title: `${PARALLEL_BUILDS} builds at once`,
  transport: "unix",
  routes: ["direct", "memobuild"],
  rounds: 10,
  operations: 1,
  targets: { direct: 1.1 },
  prepare: async (dir) => {
    const contexts = Array.from({ length: PARALLEL_BUILDS }, (_, i) => join(dir, `context-${i}`));
    for (const context of contexts) {
      await mkdir(context, { recursive: true });
      await writeFile(join(context, "Dockerfile"), "FROM scratch\nCOPY file /\n");
    }
    return async ({ buildx }, signal) => {
      // New content: nothing comes from the cache.
      for (const context of contexts) await writeFile(join(context, "file"), randomBytes(4096));
      const startedAt = performance.now();
      await Promise.all(contexts.map((context) => buildxBuild(buildx, [context], signal)));
      return { ms: performance.now() - startedAt };
    };
  },
};

function calls(count: number, inFlight: number): BenchCase["prepare"] {
  return () =>
    Promise.resolve(async ({ address }) => {
      const caller = await connectCaller(address);
      try {
        await caller.call();
        const startedAt = performance.now();
        await makeCalls(caller, count, inFlight);
        return { ms: performance.now() - startedAt };
      } finally {
        caller.close();
      }
    });
}

const firstCall: BenchCase["prepare"] = () =>
  Promise.resolve(async ({ address }) => {
    const startedAt = performance.now();
    const caller = await connectCaller(address);
    try {
      await caller.call();
      return { ms: performance.now() - startedAt };
    } finally {
      caller.close();
    }
  });

const allRoutes = { transport: "unix", routes: ["direct", "memobuild", "pipe"], rounds: 10, targets: {} } as const;

export const CASES: readonly BenchCase[] = [
  { name: "no-op-unix", title: "no-op build, unix", transport: "unix", routes: allRoutes.routes, ...noOpBuild },
  { name: "no-op-tcp", title: "no-op build, TCP", transport: "tcp", routes: ["direct", "memobuild"], ...noOpBuild },
  {
    ...allRoutes,
    name: "first-call",
    title: "new connection, one call",
    operations: 1,
    rounds: 40,
    prepare: firstCall,
  },
  {
    ...allRoutes,
    name: "calls",
    title: "one call after the other",
    operations: SERIAL_CALLS,
    prepare: calls(SERIAL_CALLS, 1),
  },
  {
    ...allRoutes,
    name: "calls-parallel",
    title: `${CALLS_IN_FLIGHT} calls in flight`,
    operations: PARALLEL_CALLS,
    prepare: calls(PARALLEL_CALLS, CALLS_IN_FLIGHT),
  },
  contextUpload,
  tarOutput,
  parallelBuilds,
];
