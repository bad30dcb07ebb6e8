/** `/v1/cache/…`: what people may ask of the cache, over HTTP. */
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import type { z } from "zod";
import type { CacheAdmin, VerifyProgress } from "../cache/cache-admin.js";
import type { ExportSummary } from "../cache/cache-index.js";
import type { Logger } from "../log/create-logger.js";
import { ApiError, exportId, listOptions, pruneOptions, type VerifyLine } from "./api-messages.js";
import type { ApiJobs } from "./api-jobs.js";

export interface CacheRoutesDeps {
  /** Undefined where the cache is off. */
  readonly cache: CacheAdmin | undefined;
  readonly jobs: ApiJobs;
  readonly log: Logger;
}

/** For what only reads the index or changes one row of it. */
const ANSWER_TIMEOUT_MS = 30_000;
const PROGRESS_INTERVAL_MS = 200;

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const problems = error.issues.map(({ path, message }) => [...path.map(String), message].join(": "));
  throw new ApiError("bad_request", problems.join("; "));
}

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
  const setPinned = async (params: unknown, isPinned: boolean): Promise<ExportSummary> => {
    const id = parse(exportId, params);
    const changed = await admin().setPinned(id, isPinned);
    if (changed === undefined) throw new ApiError("not_found", `there is no export ${id}`);
    return changed;
  };
  const quick = { handlerTimeout: ANSWER_TIMEOUT_MS };

  server.get("/v1/cache/exports", quick, async ({ query }) => ({
    exports: await admin().list(parse(listOptions, query)),
  }));
  server.get("/v1/cache/usage", quick, () => admin().usage());
  server.post<{ Params: { id: string } }>("/v1/cache/exports/:id/pin", quick, ({ params }) =>
    setPinned(params.id, true),
  );
  server.delete<{ Params: { id: string } }>("/v1/cache/exports/:id/pin", quick, ({ params }) =>
    setPinned(params.id, false),
  );
  server.post("/v1/cache/prune", async ({ body }, reply) => {
    const [keeper, options] = [admin(), parse(pruneOptions, body)];
    return jobs.run(reply.raw, (signal) => keeper.prune(options, signal));
  });
  server.post("/v1/cache/verify", async (_request, reply) => {
    const keeper = admin();
    await jobs.run(reply.raw, async (signal) => {
      reply.hijack();
      await answerWithProgress(reply.raw, async (onProgress) => {
        try {
          return { result: await keeper.verify(onProgress, signal) };
        } catch (error) {
          if (!signal.aborted) log.error({ err: error }, "cache verification failed");
          return { error: { code: "internal", message: "the verification failed; MemoBuild's log says why" } };
        }
      });
    });
  });
}
