/** The yardstick of recording: MemoBuild's relay, which looks into no call. */
import { Registry } from "prom-client";
import { listenAddress } from "../proxy/config/listen-address.js";
import { builderAddress } from "../proxy/config/builder-address.js";
import { addressBuilder } from "../proxy/farm/dial.js";
import { createLogger } from "../proxy/log/create-logger.js";
import { RelayMetrics } from "../proxy/relay/relay-metrics.js";
import { RelayServer } from "../proxy/relay/relay-server.js";

const [listen, builder] = process.argv.slice(2);
if (listen === undefined || builder === undefined)
  throw new Error("usage: bare-relay.js LISTEN-ADDRESS BUILDER-ADDRESS");

const now = (): number => performance.now();
const relay = new RelayServer({
  listen: [listenAddress.parse(listen)],
  tls: undefined,
  builder: addressBuilder(builderAddress.parse(builder)),
  metrics: new RelayMetrics(new Registry(), now),
  logger: createLogger({ level: "info", format: "text", stream: process.stderr }),
  now,
});
await relay.start();
