/** Composition of the records of builds: from the database to running parts, and back. */
import { createHmac } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Registry } from "prom-client";
import type { BuildMessages } from "./buildkit/build-messages.js";
import { loadLlbReader } from "./buildkit/llb-graph.js";
import { CONTROL } from "./buildkit/methods.js";
import type { BuildSummary } from "./builds/build-record.js";
import type { BuildDesk } from "./builds/build-desk.js";
import { BuildEvents } from "./builds/build-events.js";
import { BuildMetrics } from "./builds/build-metrics.js";
import { BuildRecorder } from "./builds/build-recorder.js";
import { RecordFinisher } from "./builds/finish-record.js";
import type { RemovalRule } from "./builds/history.js";
import { RecordedBuilds } from "./builds/recorded-builds.js";
import { SqliteHistory } from "./builds/sqlite-history.js";
import type { OptionName } from "./config/options.js";
import type { LiveConfig } from "./config/runtime-settings.js";
import { StartError } from "./config/start-error.js";
import { installationKey } from "./database/installation-key.js";
import { openDatabase } from "./database/open-database.js";
import type { SqliteDatabase } from "./database/sqlite-database.js";
import type { Builder } from "./farm/builder.js";
import { withBuilderClient } from "./farm/with-builder-client.js";
import type { Logger } from "./log/create-logger.js";

/** How often builds beyond the limits are removed. */
const RETENTION_INTERVAL_MS = 10 * 60_000;
/** Options that limit the builds that are kept. */
const LIMITS: readonly string[] = ["history-max-builds", "history-max-age"] satisfies OptionName[];

export interface AppBuildsDeps {
  readonly settings: LiveConfig;
  readonly database: SqliteDatabase;
  /** The builder at that address, where it is in the farm. */
  readonly builderAt: (address: string) => Builder | undefined;
  /** Id of the worker that the builder at that address has now. */
  readonly worker: (builder: string) => Promise<string | undefined>;
  /** A build has ended, and is explained. */
  readonly onEnded: (build: BuildSummary) => void;
  readonly messages: BuildMessages;
  readonly registry: Registry;
  readonly logger: Logger;
}

export interface AppBuilds {
  readonly recorder: BuildRecorder;
  readonly desk: BuildDesk;
  /** For keyed hashes of files' contents. */
  readonly hashKey: Buffer;
  /** Address of the builder that has the build, or had it; undefined where it is not known. */
  readonly builderOf: (ref: string) => Promise<string | undefined>;
  /** Exports of these builds left the shared cache. */
  readonly noteRemoval: (refs: readonly string[], rule: RemovalRule) => void;
  readonly close: () => Promise<void>;
}

/** Of the index of the cache, and of the history. @throws StartError */
export async function openAppDatabase(dataDir: string, logger: Logger): Promise<SqliteDatabase> {
  const dir = join(dataDir, "cache");
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartError("data-dir", error instanceof Error ? error.message : String(error), { cause: error });
  }
  return openDatabase({ path: join(dir, "index.db"), logger });
}

export async function startBuilds(deps: AppBuildsDeps): Promise<AppBuilds> {
  const { builderAt, database, logger, messages, onEnded, registry, settings, worker } = deps;
  const history = new SqliteHistory(database, { now: Date.now });
  const lost = await history.markLost();
  if (lost > 0) logger.warn({ builds: lost }, "builds were lost when MemoBuild ended last");
  const hashKey = installationKey(database);
  const hash = (text: string): string => createHmac("sha256", hashKey).update(text).digest("hex");
  const events = new BuildEvents();
  const metrics = new BuildMetrics(registry, logger);
  const finisher = new RecordFinisher({ history, hash });
  const recorder = new BuildRecorder({
    ...{ history, events, metrics, readLlb: await loadLlbReader(), worker, wallClock: Date.now },
    describe: (build) => finisher.describe(build),
    finish: async (build) => {
      const record = await finisher.finish(build);
      onEnded(record);
      return record;
    },
    followStatus: async (address, ref, onStatus, signal) => {
      const builder = builderAt(address);
      if (builder === undefined) throw new Error("the builder is gone");
      await withBuilderClient(builder, signal, (client) =>
        client.serverStream(CONTROL.status, messages.statusRequest.encode({ ref }), { signal }, (message) => {
          onStatus(messages.statusResponse.decode(message));
        }),
      );
    },
  });
  let retaining: Promise<unknown> = Promise.resolve();
  const retain = (): void => {
    // One pass at a time, each with the limits that hold when it begins.
    retaining = retaining
      .then(() => {
        const { maxAgeMs, maxBuilds } = settings.config.history;
        return history.retain({ maxBuilds, startedAfterMs: Date.now() - maxAgeMs });
      })
      .catch((error: unknown) => {
        metrics.failed("retention", error);
      });
  };
  retain();
  settings.onChange((names) => {
    if (names.some((name) => LIMITS.includes(name))) retain();
  });
  const timer = setInterval(retain, RETENTION_INTERVAL_MS).unref();
  return {
    ...{ recorder, hashKey, desk: new RecordedBuilds({ history, recorder, events }) },
    builderOf: async (ref) => (recorder.record(ref) ?? (await history.build(ref)))?.builder,
    noteRemoval: (refs, rule) => {
      history.noteRemoval(refs, rule, Date.now()).catch((error: unknown) => {
        metrics.failed("removal", error);
      });
    },
    close: async () => {
      clearInterval(timer);
      await recorder.close();
      await retaining;
    },
  };
}
