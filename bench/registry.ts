/** `npm run bench -- registry`: the cache registry against Debian's docker-registry, in turn, on one disk. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sha256Digest } from "../proxy/cache/digest.js";
import { keepOpen, ROOT, runOk, start, type Running } from "../proxy/test/support/command.js";
import { freePort } from "../proxy/test/support/free-port.js";
import { poll } from "../proxy/test/support/poll.js";
import { RegistryClient } from "./registry-client.js";
import { median, quantile, shuffled } from "./stats.js";
import { nodeUnderTest } from "./world.js";

const FILE = join(ROOT, "docs/benchmarks/registry.json");
const SERVER = fileURLToPath(new URL("registry-server.ts", import.meta.url));
const SMALL_BYTES = 4096;
const CLIENTS = [1, 8, 32];
const SIDES = ["memobuild", "docker-registry"] as const;
type Side = (typeof SIDES)[number];

export interface RegistryBenchOptions {
  readonly rounds: number;
  readonly smallBlobs: number;
  readonly largeMib: number;
  readonly save: boolean;
}

interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

interface Server {
  readonly base: string;
  readonly writeTo: string;
  /** Where what was stored until now is read. */
  readonly readFrom: () => Promise<string>;
  readonly stop: () => Promise<unknown>;
}

interface Row {
  readonly case: string;
  readonly round: number;
  readonly side: Side;
  readonly ms: number;
}

async function startOurs(dir: string): Promise<Server> {
  await mkdir(dir);
  // As the launcher in bin/ starts it.
  const args = ["--max-semi-space-size=4", "--import", "tsx", SERVER, dir];
  const server = start(nodeUnderTest(), args, { cwd: ROOT, input: keepOpen });
  const lines = createInterface({ input: server.stdout });
  const nextLine = async (): Promise<Record<string, string>> => {
    const [line] = (await once(lines, "line")) as [string];
    return JSON.parse(line) as Record<string, string>;
  };
  const { base = "", repository = "" } = await nextLine();
  return {
    base,
    writeTo: repository,
    readFrom: async () => {
      const line = nextLine();
      server.stdin.write("offer\n");
      return (await line)["repository"] ?? "";
    },
    stop: () => server.stop(),
  };
}

async function startTheirs(dir: string): Promise<Server> {
  await mkdir(dir);
  const host = `127.0.0.1:${await freePort()}`;
  const storage = `storage: {filesystem: {rootdirectory: ${join(dir, "registry")}}}`;
  const file = join(dir, "registry.yml");
  await writeFile(
    file,
    `version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n${storage}\nhttp: {addr: "${host}"}\n`,
  );
  const server: Running = start("docker-registry", ["serve", file]);
  const base = `http://${host}`;
  const answers = (): Promise<boolean> =>
    fetch(`${base}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  await poll(answers, Boolean, { what: "docker-registry answers" });
  return { base, writeTo: "bench/cache", readFrom: () => Promise.resolve("bench/cache"), stop: () => server.stop() };
}

function makeBlob(sizeBytes: number): Blob {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  // Random in its beginning is enough: nothing here compresses.
  randomBytes(SMALL_BYTES).copy(bytes);
  return { digest: sha256Digest(bytes), bytes };
}

/** As BuildKit does: asks, opens an upload, sends all in one PUT. */
async function upload(client: RegistryClient, repository: string, { digest, bytes }: Blob): Promise<void> {
  const asked = await client.request("HEAD", `/v2/${repository}/blobs/${digest}`);
  if (asked.status !== 404) throw new Error(`HEAD of a new blob: ${asked.status}`);
  const { location = "" } = await client.request("POST", `/v2/${repository}/blobs/uploads/`, Buffer.alloc(0));
  const url = new URL(location, "http://registry");
  url.searchParams.set("digest", digest);
  const { status } = await client.request("PUT", url.pathname + url.search, bytes);
  if (status !== 201) throw new Error(`PUT of a blob: ${status}`);
}

async function download(client: RegistryClient, repository: string, blob: Blob): Promise<void> {
  const { status, digest } = await client.request("GET", `/v2/${repository}/blobs/${blob.digest}`);
  if (status !== 200 || digest !== blob.digest) throw new Error(`GET of a blob: ${status}, ${digest}`);
}

/** Shares the blobs out among clients that work at once. */
async function timed(
  base: string,
  clientCount: number,
  blobs: readonly Blob[],
  act: (client: RegistryClient, blob: Blob) => Promise<void>,
): Promise<number> {
  const clients = Array.from({ length: clientCount }, () => new RegistryClient(base));
  const startedAt = performance.now();
  try {
    await Promise.all(
      clients.map(async (client, at) => {
        for (let i = at; i < blobs.length; i += clientCount) {
          const blob = blobs[i];
          if (blob !== undefined) await act(client, blob);
        }
      }),
    );
    return performance.now() - startedAt;
  } finally {
    for (const client of clients) client.close();
  }
}

async function measure(
  servers: Readonly<Record<Side, Server>>,
  { rounds, smallBlobs, largeMib }: RegistryBenchOptions,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let round = 0; round < rounds; round++) {
    const cases = [
      { name: `${largeMib} MiB`, clients: 1, blobs: [makeBlob(largeMib * 2 ** 20)] },
      ...CLIENTS.map((clients) => ({
        name: `${smallBlobs} x 4 KiB, ${clients} ${clients === 1 ? "client" : "clients"}`,
        clients,
        blobs: Array.from({ length: smallBlobs }, () => makeBlob(SMALL_BYTES)),
      })),
    ];
    for (const { name, clients, blobs } of cases) {
      const take = (direction: string, side: Side, ms: number): void => {
        rows.push({ case: `${direction} ${name}`, round, side, ms });
        process.stderr.write(`${direction} ${name} ${round}: ${side} ${ms.toFixed(0)} ms\n`);
      };
      for (const side of shuffled(SIDES)) {
        const { base, writeTo } = servers[side];
        take("up", side, await timed(base, clients, blobs, (client, blob) => upload(client, writeTo, blob)));
      }
      for (const side of shuffled(SIDES)) {
        const { base, readFrom } = servers[side];
        const repository = await readFrom();
        take("down", side, await timed(base, clients, blobs, (client, blob) => download(client, repository, blob)));
      }
    }
  }
  return rows;
}

function formatRegistryReport(rows: readonly Row[]): string {
  const lines = [...new Set(rows.map((row) => row.case))].map((name) => {
    const times = (side: Side): number[] =>
      rows.filter((row) => row.case === name && row.side === side).map(({ ms }) => ms);
    const [ours, theirs] = [times("memobuild"), times("docker-registry")];
    const ratios = ours.map((ms, round) => (theirs[round] ?? NaN) / ms);
    const spread = `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`;
    const verdict = median(ratios) >= 1 ? "met" : "missed";
    const cells = [name, `${median(theirs).toFixed(0)} ms`, `${median(ours).toFixed(0)} ms`];
    return `| ${[...cells, `${median(ratios).toFixed(2)} [${spread}]`, verdict].join(" | ")} |`;
  });
  const columns = "| case | docker-registry | MemoBuild | docker-registry / MemoBuild | ≥ 1.0 |";
  return [columns, "| --- | --: | --: | --: | --- |", ...lines].join("\n");
}

export async function benchRegistry(options: RegistryBenchOptions): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "mb-registry-"));
  const started: Server[] = [];
  try {
    const ours = await startOurs(join(dir, "ours"));
    started.push(ours);
    const theirs = await startTheirs(join(dir, "theirs"));
    started.push(theirs);
    const loadBefore = loadavg()[0];
    const rows = await measure({ memobuild: ours, "docker-registry": theirs }, options);
    if (options.save) await save(rows, loadBefore);
    return formatRegistryReport(rows);
  } finally {
    for (const server of started) await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function save(rows: readonly Row[], loadBefore: number | undefined): Promise<void> {
  const record = {
    command: ["npm run bench --", ...process.argv.slice(2)].join(" "),
    date: new Date().toISOString(),
    node: process.version,
    commit: (await runOk("git", ["describe", "--always", "--dirty"], { cwd: ROOT })).trim(),
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    durability: "memobuild: file and folder synced before the answer; docker-registry: nothing synced",
    ...{ loadBefore, loadAfter: loadavg()[0] },
  };
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  await writeFile(FILE, `${JSON.stringify(record, null, 2).replace(/\n}$/, "")},\n  "rows": [\n${lines}\n  ]\n}\n`);
}
