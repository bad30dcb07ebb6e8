/** The log of a build or of one step, read from its beginning and followed as long as the build runs. */
import { useEffect, useRef } from "react";
import type { ApiClient } from "../../api/api-client.js";
import { type Loaded, useLoaded } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { appendPieces, closedBook, EMPTY_BOOK, type LogBook, type LogPiece } from "./log-book.js";

/** As many as the API gives at once. */
const PAGE_PIECES = 1000;
/** What has come is shown after so many, before more is asked for. */
const PAGES_AT_ONCE = 5;
const RUNNING_INTERVAL_MS = 2000;

export interface Source {
  readonly name: string;
  /** Digest; undefined for all steps. */
  readonly step: string | undefined;
}

interface ReadLog {
  readonly book: LogBook;
  readonly hasMore: boolean;
}

/** Page after page, from the position on. */
export async function* logPages(
  api: ApiClient,
  { name, step }: Source,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly pieces: readonly LogPiece[]; readonly next: number; readonly hasMore: boolean }> {
  for (let after = from, hasMore = true; hasMore;) {
    const page = await api.ask(
      "getLogs",
      { name, ...(step !== undefined && { step }), after, limit: PAGE_PIECES },
      signal,
    );
    signal.throwIfAborted();
    yield page;
    ({ next: after, hasMore } = page);
  }
}

export function useLog(source: Source, isRunning: boolean): Loaded<ReadLog> {
  const api = useApi();
  const key = `${source.name} ${source.step ?? ""}`;
  const read = useRef({ key: "", book: EMPTY_BOOK, after: 0 });
  const load = async (signal: AbortSignal): Promise<ReadLog> => {
    if (read.current.key !== key) read.current = { key, book: EMPTY_BOOK, after: 0 };
    let pages = 0;
    let hasMore = false;
    for await (const page of logPages(api, source, read.current.after, signal)) {
      read.current = { key, book: appendPieces(read.current.book, page.pieces), after: page.next };
      pages += 1;
      ({ hasMore } = page);
      if (pages === PAGES_AT_ONCE) break;
    }
    return { book: closedBook(read.current.book), hasMore };
  };
  const loaded = useLoaded(load, key, isRunning ? RUNNING_INTERVAL_MS : undefined);
  const { answer, reload } = loaded;
  useEffect(() => {
    if (answer?.hasMore === true) reload();
  }, [answer, reload]);
  return loaded;
}
