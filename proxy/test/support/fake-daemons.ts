/** Builders of a farm that answer calls as a test tells them, over connections within the process. */
import { duplexPair } from "node:stream";
import type { Duplex } from "node:stream";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { statusHeaders, trailersOnly } from "../../grpc/grpc-status.js";
import type { GrpcCode } from "../../grpc/grpc-status.js";
import { headerValue } from "../../grpc/http2/header-list.js";
import type { HeaderList } from "../../grpc/http2/header-list.js";
import { ServerConnection } from "../../grpc/http2/server-connection.js";
import type { Stream } from "../../grpc/http2/stream.js";
import { frameMessage, MessageReader } from "../../grpc/message.js";

const RESPONSE = [":status", "200", "content-type", "application/grpc"];

/** One call, to be answered. */
export interface FakeCall {
  readonly request: Buffer;
  readonly headers: HeaderList;
  /** False where the reader asks to wait. */
  send(...messages: readonly Uint8Array[]): boolean;
  end(code?: GrpcCode, message?: string): void;
}

export interface FakeDaemon {
  readonly builder: FarmBuilder;
  /** Path → what calls of it meet; others are UNIMPLEMENTED. */
  readonly answers: Map<string, (call: FakeCall) => void>;
  /** Paths, in the order in which their requests came. */
  readonly calls: readonly string[];
  /** Calls that were cancelled. */
  readonly cancelled: number;
  /** Connections that are open. */
  readonly connections: ReadonlySet<Duplex>;
  /** New connections are refused from now on, and those that are open are lost. */
  die(): void;
}

export function fakeDaemon(name: string, version = "v0.32.2"): FakeDaemon {
  const calls: string[] = [];
  const connections = new Set<Duplex>();
  const state = { cancelled: 0, isDead: false, answers: new Map<string, (call: FakeCall) => void>() };
  const call = (stream: Stream, headers: HeaderList): ReturnType<typeof listener> =>
    listener(stream, {
      onRequest: (request) => {
        const path = headerValue(headers, ":path") ?? "";
        calls.push(path);
        const answer = state.answers.get(path);
        if (answer === undefined) stream.respond(trailersOnly("UNIMPLEMENTED", "no such method"), true);
        else answer(callOn(stream, request, headers));
      },
      onCancelled: () => {
        state.cancelled++;
      },
    });
  const dial = (): Promise<Duplex> => {
    if (state.isDead) return Promise.reject(new Error("connect ECONNREFUSED"));
    const [ours, theirs] = duplexPair();
    connections.add(theirs);
    // As a socket does; a pair does not by itself.
    theirs.once("close", () => ours.destroy());
    const closed = (): void => {
      connections.delete(theirs);
    };
    new ServerConnection(theirs, { call, closed, now: () => performance.now() });
    return Promise.resolve(ours);
  };
  const builder: FarmBuilder = {
    ...{ name, address: `unix:///${name}.sock`, origin: "configured", isDraining: false, pong: undefined },
    health: { state: "up", workers: { id: name, version, platforms: ["linux/amd64"], labels: {} }, sinceMs: 0 },
    dial,
  };
  const die = (): void => {
    state.isDead = true;
    for (const connection of connections) connection.destroy();
  };
  return Object.assign(state, { builder, calls, connections, die });
}

function callOn(stream: Stream, request: Buffer, headers: HeaderList): FakeCall {
  let hasResponded = false;
  const respond = (): void => {
    if (!hasResponded) stream.respond(RESPONSE, false);
    hasResponded = true;
  };
  return {
    ...{ request, headers },
    send: (...messages) => {
      respond();
      return messages.map((message) => stream.write(frameMessage(message))).every(Boolean);
    },
    end: (code = "OK", message = "") => {
      respond();
      stream.end(statusHeaders(code, message));
    },
  };
}

interface Listening {
  readonly onRequest: (request: Buffer) => void;
  readonly onCancelled: () => void;
}

function listener(stream: Stream, { onRequest, onCancelled }: Listening): Parameters<Stream["handle"]>[0] {
  const reader = new MessageReader();
  return {
    headers: () => undefined,
    data: (piece) => {
      stream.consumed(piece.length);
      reader.push(piece).forEach(onRequest);
    },
    end: () => undefined,
    failed: onCancelled,
    drain: () => undefined,
  };
}
