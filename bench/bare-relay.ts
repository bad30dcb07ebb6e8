/** The yardstick of recording: MemoBuild's relay, which looks into no call. */
import { Registry } from "prom-client";
import { loadBuildMessages } from "../proxy/buildkit/build-messages.js";
import { loadHistoryMessages } from "../proxy/buildkit/history-messages.js";
import { listenAddress } from "../proxy/config/listen-address.js";
import { builderAddress } from "../proxy/config/builder-address.js";
import { addressBuilder } from "../proxy/farm/dial.js";
import type { FarmBuilder } from "../proxy/farm/farm-builder.js";
import { createLogger } from "../proxy/log/create-logger.js";
import { WhereIs } from "../proxy/relay/across/where-is.js";
import { RelayMetrics } from "../proxy/relay/relay-metrics.js";
import { RelayServer } from "../proxy/relay/relay-server.js";

const [listen, target] = process.argv.slice(2);
if (listen === undefined || target === undefined)
  throw new Error("usage: bare-relay.js LISTEN-ADDRESS BUILDER-ADDRESS");

const address = builderAddress.parse(target);
if (address.kind === "dns+tcp") throw new Error("one builder, please: a name may stand for many");

const builder: FarmBuilder = {
  ...addressBuilder(address),
  ...{ name: "builder", origin: "configured", health: { state: "unknown", sinceMs: 0 } },
  ...{ isDraining: false, pong: undefined },
};

const now = (): number => performance.now();
const relay = new RelayServer({
  listen: [listenAddress.parse(listen)],
  tls: undefined,
  farm: { builders: [builder], suspect: () => undefined },
  placing: { place: () => Promise.resolve({ builder, reason: "only", release: () => undefined }) },
  isLimited: false,
  random: Math.random,
  whereIs: new WhereIs({ messages: await loadHistoryMessages(), recorded: () => Promise.resolve(undefined) }),
  farmCallOf: () => undefined,
  readSolve: () => {
    throw new Error("it looks into nothing");
  },
  messages: await loadBuildMessages(),
  retriesLostBuilds: false,
  lostAdvice: "run it again",
  metrics: new RelayMetrics(new Registry(), now),
  logger: createLogger({ level: "info", format: "text", stream: process.stderr }),
  now,
  wallClock: Date.now,
});
await relay.start();
