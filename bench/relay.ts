/** Runs cases of the relay's benchmark: the ways to the daemon in turn, in random order, round after round. */
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { ROOT, runOk } from "../proxy/test/support/command.js";
import type { BenchCase } from "./cases.js";
import { cpuMs, memoryPeakMib, startMemoryPeak } from "./process-usage.js";
import type { BenchRecord, Row } from "./records.js";
import { shuffled } from "./stats.js";
import { nodeUnderTest, type Route, type Ways, type World } from "./world.js";

export type Surroundings = Pick<BenchRecord, "node" | "buildkit" | "buildx" | "commit" | "cpu" | "cores" | "command">;

export async function describeSurroundings(command: string): Promise<Surroundings> {
  const processors = cpus();
  const version = async (tool: string, ...args: string[]): Promise<string> =>
    /v\d+\.\d+\.\d+\S*/.exec(await runOk(tool, args))?.[0] ?? "unknown";
  return {
    node: await version(nodeUnderTest(), "--version"),
    buildkit: await version("buildkitd", "--version"),
    buildx: await version("buildx", "version"),
    commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    command,
  };
}

const loadNow = (): number => loadavg()[0] ?? NaN;

async function measure(
  bench: BenchCase,
  time: Awaited<ReturnType<BenchCase["prepare"]>>,
  ways: Ways,
  at: { readonly round: number; readonly route: Route },
  signal: AbortSignal,
): Promise<Row> {
  signal.throwIfAborted();
  const { round, route } = at;
  const pid = { direct: undefined, memobuild: ways.memobuildPid, pipe: ways.pipePid }[route];
  const cpuBefore = pid === undefined ? 0 : cpuMs(pid);
  const timing = await time({ address: ways.address[route], buildx: ways.buildx[route] }, signal);
  const used = pid === undefined ? {} : { cpuMs: cpuMs(pid) - cpuBefore };
  process.stderr.write(`${bench.name} ${round}: ${route} ${timing.ms.toFixed(1)} ms\n`);
  return { round, route, ...timing, ...used };
}

export async function runCase(
  world: World,
  bench: BenchCase,
  rounds: number,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<BenchRecord> {
  const dir = await mkdtemp(join(world.dir, "inputs-"));
  const ways = await world.openWays(bench.transport);
  try {
    const time = await bench.prepare(dir);
    const loadBefore = loadNow();
    const idleMib = startMemoryPeak(ways.memobuildPid);
    const rows: Row[] = [];
    for (let round = 1 - (bench.warmUpRounds ?? 1); round <= rounds; round++) {
      for (const route of shuffled(bench.routes)) {
        const row = await measure(bench, time, ways, { round, route }, signal);
        if (round > 0) rows.push(row);
      }
    }
    return {
      case: bench.name,
      ...surroundings,
      date: new Date().toISOString(),
      scratch: world.dir.startsWith("/dev/shm/") ? "memory" : "disk",
      loadBefore,
      loadAfter: loadNow(),
      idleMib,
      peakMib: memoryPeakMib(ways.memobuildPid),
      rows,
    };
  } finally {
    await ways.close();
    await rm(dir, { recursive: true, force: true });
  }
}
