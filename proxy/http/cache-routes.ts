/** `/cache/…`: what people may ask of the cache, over HTTP. */
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { CacheAdmin, VerifyProgress } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";
import type { Logger } from "../log/create-logger.js";
import { answerCall, answerSlowCall } from "./answer-call.js";
import * as calls from "./api-calls.js";
import { ApiError, failureOf } from "./api-error.js";
import type { ApiJobs } from "./api-jobs.js";
import type { VerifyLine } from "./cache-messages.js";

export interface CacheRoutesDeps {
  /** Undefined where the cache is off. */
  readonly cache: CacheAdmin | undefined;
  readonly jobs: ApiJobs;
  readonly log: Logger;
}

const PROGRESS_INTERVAL_MS = 200;

/** Writes the latest progress now and then, so that a cache of many small blobs does not flood the client. */
async function answerWithProgress(
  response: ServerResponse,
  run: (onProgress: (progress: VerifyProgress) => void) => Promise<VerifyLine>,
): Promise<void> {
  let latest: VerifyProgress | undefined;
  const write = (line: VerifyLine) => response.write(`${JSON.stringify(line)}\n`);
  const timer = setInterval(() => {
    if (latest !== undefined && !response.writableNeedDrain) write({ progress: latest });
    latest = undefined;
  }, PROGRESS_INTERVAL_MS);
  response.writeHead(200, { "content-type": "application/x-ndjson" }).flushHeaders();
  try {
    write(
      await run((progress) => {
        latest = progress;
      }),
    );
  } finally {
    clearInterval(timer);
    response.end();
  }
}

export function addCacheRoutes(server: FastifyInstance, { cache, jobs, log }: CacheRoutesDeps): void {
  const admin = (): CacheAdmin => {
    if (cache !== undefined) return cache;
    throw new ApiError("cache_off", "the cache is off: MemoBuild was started with --cache off");
  };
  const setPinned = async (id: number, isPinned: boolean): Promise<ExportSummary> => {
    const changed = await admin().setPinned(id, isPinned);
    if (changed === undefined) throw new ApiError("not_found", `there is no export ${id}`);
    return changed;
  };

  answerCall(server, calls.listExports, async (options) => ({ exports: await admin().list(options) }));
  answerCall(server, calls.getCacheUsage, async () => admin().usage());
  answerCall(server, calls.listCacheProjects, async () => ({ projects: await admin().projects() }));
  answerCall(server, calls.listRemovals, async ({ limit }) => ({ removals: await admin().removals(limit) }));
  answerCall(server, calls.pinExport, ({ id }) => setPinned(id, true));
  answerCall(server, calls.unpinExport, ({ id }) => setPinned(id, false));
  answerSlowCall(server, calls.pruneCache, async (options, { reply }) => {
    const keeper = admin();
    return jobs.run(reply.raw, (signal) => keeper.prune(options, signal));
  });
  answerSlowCall(server, calls.verifyCache, async (_, { reply }) => {
    const keeper = admin();
    await jobs.run(reply.raw, async (signal) => {
      reply.hijack();
      await answerWithProgress(reply.raw, async (onProgress) => {
        try {
          return { result: await keeper.verify(onProgress, signal) };
        } catch (error) {
          if (!signal.aborted) log.error({ err: error }, "cache verification failed");
          return failureOf("internal", "the verification failed; MemoBuild's log says why");
        }
      });
    });
    return undefined;
  });
}
