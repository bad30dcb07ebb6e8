/** Promises of the connection to a builder that answers nobody else, with a builder that counts its pings. */
import { duplexPair } from "node:stream";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { pino } from "pino";
import { Registry } from "prom-client";
import type { FarmBuilder } from "../farm/farm-builder.js";
import { FrameType, PREFACE, settingsFrame } from "../grpc/http2/frame.js";
import { fakeDaemon } from "../test/support/fake-daemons.js";
import { poll } from "../test/support/poll.js";
import { BuilderLink } from "./builder-link.js";
import { RelayMetrics } from "./relay-metrics.js";
