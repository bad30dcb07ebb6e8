/** The API server over a cache in memory, on a socket in a fresh data directory. */
import type { CacheAdmin } from "../../cache/cache-admin.js";
import { apiSocketPath } from "../../config/data-dir.js";
import { createApiServer } from "../../http/api-server.js";
import { createLogger } from "../../log/create-logger.js";
import { makeTempDir, removeDir } from "./temp-dir.js";

export interface CacheApi {
  readonly dataDir: string;
  readonly path: string;
  /** What the server logged. */
  readonly lines: readonly string[];
  /** Cuts connections and waits for what ran for them; may be called twice. */
  close(): Promise<void>;
}

export async function startCacheApi(cache: CacheAdmin | undefined): Promise<CacheApi> {
  const dataDir = await makeTempDir("api");
  const path = apiSocketPath(dataDir);
  const lines: string[] = [];
  const log = createLogger({ level: "trace", format: "json", stream: { write: (line) => lines.push(line) } });
  const server = createApiServer({ path, cache, log });
  await server.start();
  return {
    dataDir,
    path,
    lines,
    close: async () => {
      await server.close();
      await removeDir(dataDir);
    },
  };
}
