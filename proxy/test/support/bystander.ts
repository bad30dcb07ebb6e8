/** What must not suffer from another client's or connection's trouble: a stream that runs all the time, and MemoBuild's own resources. */
import { expect } from "chai";
import { readdirSync, readFileSync } from "node:fs";
import type { MemoBuild } from "./memobuild.js";
import { callOnce, dialFlags, spawnPeer, type Outcome } from "./peer.js";
import { poll } from "./poll.js";

export interface Resources {
  readonly openFiles: number;
  readonly callsInFlight: number;
  readonly clientConnections: number;
  readonly builderConnections: number;
}

/** Resident memory of a process now, or its peak so far, in MiB. */
export function memoryMiB(pid: number, which: "VmRSS" | "VmHWM"): number {
  const [, kib] = new RegExp(`${which}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

export async function readResources(memoBuild: MemoBuild): Promise<Resources> {
  const metrics = await memoBuild.metrics();
  const gauge = (name: string): number => {
    const line = metrics.split("\n").find((text) => text.startsWith(`${name} `));
    if (line === undefined) throw new Error(`no metric ${name}`);
    return Number(line.slice(name.length));
  };
  return {
    openFiles: readdirSync(`/proc/${memoBuild.pid}/fd`).length,
    callsInFlight: gauge("memobuild_relay_calls_in_flight"),
    clientConnections: gauge('memobuild_relay_connections{side="client"}'),
    builderConnections: gauge('memobuild_relay_connections{side="builder"}'),
  };
}

export interface Bystander {
  /** Fails unless the stream still runs, new clients are served, and nothing is held that was not held at the start. */
  isUndisturbed(): Promise<void>;
  /** Ends the stream; every message must have come back. */
  finish(): Promise<void>;
}

/** Starts the stream through MemoBuild's unix socket and notes what MemoBuild holds with it alone. */
export async function startBystander(memoBuild: MemoBuild): Promise<Bystander> {
  const address = `unix://${memoBuild.unixSocket}`;
  await callOnce(address); // loads what a first call loads
  const stream = spawnPeer(["ticks", ...dialFlags(address)]);
  await stream.event("open");
  const isIdle = ({ callsInFlight, clientConnections, builderConnections }: Resources): boolean =>
    callsInFlight === 1 && clientConnections === 1 && builderConnections === 1;
  const base = await poll(() => readResources(memoBuild), isIdle, { what: "only the bystander is connected" });
  // A health check that runs just now holds one file more for a moment.
  const isBack = (now: Resources): boolean => isIdle(now) && now.openFiles <= base.openFiles;
  return {
    isUndisturbed: async () => {
      expect(stream.events.map(({ event }) => event)).to.deep.equal(["open"]);
      expect(await callOnce(address)).to.include({ code: "OK" });
      await poll(() => readResources(memoBuild), isBack, {
        what: `back to ${JSON.stringify(base)}`,
        timeoutMs: 15_000,
      });
    },
    finish: async () => {
      stream.proceed();
      const { outcome, sent } = await stream.event("end");
      expect(outcome).to.include({ code: "OK" });
      expect((outcome as Outcome).messages).to.deep.equal(sent);
      expect(await stream.finish()).to.equal(0);
    },
  };
}
