/** Times uploads through MemoBuild, which records and reads along, beside the same relay that looks into nothing. */
import { randomBytes } from "node:crypto";
import { mkdir, open, utimes, writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createBuildx, type Buildx } from "../proxy/test/support/buildx.js";
import { ROOT, start, type Running } from "../proxy/test/support/command.js";
import { freePort } from "../proxy/test/support/free-port.js";
import { startMemoBuild, type MemoBuild } from "../proxy/test/support/memobuild.js";
import { poll } from "../proxy/test/support/poll.js";
import { removeDir } from "../proxy/test/support/temp-dir.js";
import { buildxBuild, contextBytes, stepMs } from "./buildx-build.js";
import { cpuMs } from "./process-usage.js";
import { describeSurroundings } from "./relay.js";
import { median, quantile, shuffled } from "./stats.js";
import { makeScratchDir, nodeUnderTest, startDaemon } from "./world.js";

const FILE = join(ROOT, "docs/benchmarks/recording.json");
const BARE_RELAY = fileURLToPath(new URL("bare-relay.ts", import.meta.url));
const MIB = 2 ** 20;
const UPLOAD_STEP = "[internal] load build context";
const WAYS = ["bare", "recording"] as const;
type WayName = (typeof WAYS)[number];

interface Load {
  readonly name: string;
  readonly files: number;
  readonly fileBytes: number;
  /** A file of another time is sent again in full. */
  readonly target: number;
}

const LOADS: readonly Load[] = [
  { name: "one file of 1 GiB", files: 1, fileBytes: 1024 * MIB, target: 1.03 },
  { name: "20,000 files of 10 KiB", files: 20_000, fileBytes: 10_240, target: 1.03 },
];

export interface RecordingBenchOptions {
  readonly rounds: number;
  readonly save: boolean;
}

interface Way {
  readonly buildx: Buildx;
  readonly pid: number;
}

interface Row {
  readonly load: string;
  readonly round: number;
  readonly way: WayName;
  /** Of the upload, by the daemon's own record. */
  readonly ms: number;
  readonly wallMs: number;
  /** Of the relay's process. */
  readonly cpuMs: number;
}

async function writeContext(dir: string, { fileBytes, files }: Load): Promise<readonly string[]> {
  await mkdir(join(dir, "data"), { recursive: true });
  await writeFile(join(dir, "Dockerfile"), "FROM scratch\nCOPY data /data\n");
  const paths = Array.from({ length: files }, (_, i) => join(dir, "data", String(i)));
  for (const path of paths) {
    const file = await open(path, "w");
    for (let at = 0; at < fileBytes; at += 64 * MIB) await file.write(randomBytes(Math.min(64 * MIB, fileBytes - at)));
    await file.close();
  }
  return paths;
}

async function timeLoad(
  load: Load,
  dir: string,
  ways: Readonly<Record<WayName, Way>>,
  rounds: number,
  signal: AbortSignal,
): Promise<Row[]> {
  const paths = await writeContext(dir, load);
  const rows: Row[] = [];
  let changedAt = 1_000_000_000;
  for (let round = 0; round <= rounds; round++) {
    for (const way of shuffled(WAYS)) {
      changedAt += 1;
      for (const path of paths) await utimes(path, changedAt, changedAt);
      const { buildx, pid } = ways[way];
      const cpuBefore = cpuMs(pid);
      const build = await buildxBuild(buildx, [dir], signal);
      if (contextBytes(build) < load.files * load.fileBytes) throw new Error("the context was not sent again");
      const row = { load: load.name, round, way, ms: stepMs(build, UPLOAD_STEP), wallMs: build.wallMs };
      process.stderr.write(`${load.name} ${round}: ${way} ${row.ms.toFixed(0)} ms\n`);
      // The first round fills caches.
      if (round > 0) rows.push({ ...row, cpuMs: cpuMs(pid) - cpuBefore });
    }
  }
  return rows;
}

function reportOf(load: Load, rows: readonly Row[]): string {
  const of = (way: WayName): Row[] => rows.filter((row) => row.load === load.name && row.way === way);
  const [bare, recording] = [of("bare"), of("recording")];
  const ratios = recording.map(({ ms, round }) => ms / (bare.find((row) => row.round === round)?.ms ?? NaN));
  const middle = median(ratios);
  const spread = `${quantile(ratios, 0.25).toFixed(3)}–${quantile(ratios, 0.75).toFixed(3)}`;
  const shown = ([...all]: Row[]): string =>
    `${median(all.map(({ ms }) => ms)).toFixed(0)} ms (${median(all.map((row) => row.cpuMs)).toFixed(0)} ms of CPU)`;
  return (
    `${load.name}: ${shown(recording)} recorded, ${shown(bare)} only relayed: ` +
    `${middle.toFixed(3)} [${spread}], target ${load.target}: ${middle <= load.target ? "met" : "missed"}`
  );
}

async function startBareRelay(dir: string, builder: string): Promise<{ readonly address: string; process: Running }> {
  const address = `unix://${join(dir, "bare.sock")}`;
  const relay = start(nodeUnderTest(), ["--import", "tsx", BARE_RELAY, address, builder], { cwd: ROOT });
  await poll(() => relay.output().includes("listening"), Boolean, { what: "the relay listens", timeoutMs: 20_000 });
  return { address, process: relay };
}

/** `npm run bench -- recording`: keeps the rows in docs/ and returns the report. */
export async function benchRecording({ rounds, save }: RecordingBenchOptions, signal: AbortSignal): Promise<string> {
  const dir = await makeScratchDir();
  const unix = `unix://${join(dir, "bk.sock")}`;
  const daemon = await startDaemon(dir, { unix, tcp: `tcp://127.0.0.1:${await freePort()}` });
  const bare = await startBareRelay(dir, unix);
  let memobuild: MemoBuild | undefined;
  try {
    const loadBefore = loadavg()[0] ?? NaN;
    memobuild = await startMemoBuild({ builder: unix, args: ["--cache", "off"] });
    const ways = {
      bare: { buildx: await createBuildx(join(dir, "bare"), bare.address), pid: bare.process.pid },
      recording: {
        buildx: await createBuildx(join(dir, "recording"), `unix://${memobuild.unixSocket}`),
        pid: memobuild.pid,
      },
    };
    const rows: Row[] = [];
    for (const [index, load] of LOADS.entries())
      rows.push(...(await timeLoad(load, join(dir, `context-${index}`), ways, rounds, signal)));
    const command = `npm run bench -- recording --rounds ${rounds}`;
    const record = { case: "recording", ...(await describeSurroundings(command)), loadBefore };
    const text = JSON.stringify([{ ...record, date: new Date().toISOString(), rows }], null, 1);
    if (save) await writeFile(FILE, `${text}\n`);
    return LOADS.map((load) => reportOf(load, rows)).join("\n");
  } finally {
    await memobuild?.stop();
    await bare.process.stop();
    await daemon.stop(30_000);
    await removeDir(dir);
  }
}
