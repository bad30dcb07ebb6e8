/** Runs the Go test peer: a real gRPC server, and real gRPC clients that report what they observe as events. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { poll, within } from "./poll.js";

const PEER = fileURLToPath(new URL("../../../.tools/bin/grpc-peer", import.meta.url));
const EXIT_MS = 10_000;

export type PeerEvent = Readonly<Record<string, unknown>>;

/** What the server does within a call; the steps are listed in peer/call.go. */
export type PeerStep = Readonly<{
  op: string;
  n?: number;
  size?: number;
  code?: number;
  text?: string;
  pairs?: number;
}>;

export interface PeerProcess {
  readonly pid: number;
  readonly events: readonly PeerEvent[];
  /** The first event of this name, past ones included. */
  event(name: string, timeoutMs?: number): Promise<PeerEvent>;
  /** A line of input lets the process go on with its next phase. */
  proceed(): void;
  kill(): void;
  /** Settles with the exit code, -1 after a signal. */
  readonly exited: Promise<number>;
  /** Ends the input and waits for the exit code. */
  finish(): Promise<number>;
}

/** The status and messages of a call, as the client saw them. */
export interface Outcome {
  readonly code: string;
  readonly message: string;
  readonly header: Readonly<Record<string, readonly string[]>>;
  readonly trailer: Readonly<Record<string, readonly string[]>>;
  readonly messages: { readonly count: number; readonly bytes: number; readonly sha256: string };
}

export interface ClientTls {
  readonly caCert: string;
  readonly cert?: string;
  readonly key?: string;
  readonly noAlpn?: boolean;
}

function events(child: ChildProcess): PeerEvent[] {
  const seen: PeerEvent[] = [];
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on("line", (line) => seen.push(JSON.parse(line) as PeerEvent));
  }
  return seen;
}

function peerBinary(): string {
  if (!existsSync(PEER)) throw new Error(`${PEER} is missing: build proxy/test/peer first`);
  return PEER;
}

/** Names of the table's cases; read at once, because test titles are wanted before any test runs. */
export function tableNames(): string[] {
  return execFileSync(peerBinary(), ["names"], { encoding: "utf8" }).trimEnd().split("\n");
}

/** Starts one of the peer's commands. */
export function spawnPeer(args: readonly string[]): PeerProcess {
  const child = spawn(peerBinary(), args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined); // the process may have ended before its input
  const seen = events(child);
  const exited = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      resolve(code ?? -1);
    });
  });
  const find = (name: string): PeerEvent | undefined => seen.find(({ event }) => event === name);
  return {
    pid: child.pid ?? -1,
    events: seen,
    event: async (name, timeoutMs = 10_000) => {
      const what = `event "${name}" of grpc-peer ${args.join(" ")}`;
      const gone = exited.then((code) => {
        const found = find(name);
        if (found === undefined) throw new Error(`${what}: it ended with ${code} instead`);
        return found;
      });
      const found = poll(() => find(name), Boolean, { what, timeoutMs });
      return (await Promise.race([found, gone])) ?? {};
    },
    proceed: () => void child.stdin.write("\n"),
    kill: () => void child.kill("SIGKILL"),
    exited,
    finish: async () => {
      child.stdin.end();
      return within(exited, EXIT_MS, `the end of grpc-peer ${args.join(" ")}`).finally(() => {
        child.kill("SIGKILL");
      });
    },
  };
}

export interface PeerServer {
  readonly address: string;
  readonly process: PeerProcess;
  stop(): Promise<number>;
}

/** Starts the server on `unix://PATH` or `tcp://127.0.0.1:0`. */
export async function startPeerServer(listen: string): Promise<PeerServer> {
  const server = spawnPeer(["serve", "--listen", listen]);
  const { address } = await server.event("listening");
  return { address: String(address), process: server, stop: () => server.finish() };
}

/** Flags of a client for this address. */
export function dialFlags(address: string, tls?: ClientTls): string[] {
  const flags = ["--addr", address];
  if (tls === undefined) return flags;
  flags.push("--cacert", tls.caCert);
  if (tls.cert !== undefined) flags.push("--cert", tls.cert);
  if (tls.key !== undefined) flags.push("--key", tls.key);
  if (tls.noAlpn === true) flags.push("--no-alpn");
  return flags;
}

/** Makes one call in a process of its own; `proceed` half-closes it. */
export function startCall(address: string, steps: readonly PeerStep[], id = ""): PeerProcess {
  return spawnPeer(["run", ...dialFlags(address), "--script", JSON.stringify(steps), "--id", id]);
}

/** Makes one call, half-closes it at once and returns how it ended. */
export async function callOnce(address: string, steps: readonly PeerStep[] = [{ op: "drain" }]): Promise<Outcome> {
  const call = startCall(address, steps);
  call.proceed();
  const { outcome } = await call.event("end");
  await call.finish();
  return outcome as Outcome;
}

export interface TableRow {
  readonly name: string;
  readonly result: unknown;
  /** Why the case failed, whatever it is compared with. */
  readonly error?: string;
}

/** Runs the table of calls, or one case of it. */
export async function runTable(address: string, options: { tls?: ClientTls; only?: string } = {}): Promise<TableRow[]> {
  const only = options.only === undefined ? [] : ["--only", options.only];
  const table = spawnPeer(["call", ...dialFlags(address, options.tls), ...only]);
  await within(table.exited, 180_000, "the table of calls").finally(() => {
    table.kill();
  });
  return table.events.map((event) => event as unknown as TableRow);
}
