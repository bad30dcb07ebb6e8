/** Saves a log as a file, whole, whatever of it the page shows. */
import type { ApiProblem } from "../../api/transport.js";
import { useAction } from "../../state/use-answer.js";
import { useApi } from "../../state/use-api.js";
import { appendPieces, closedBook, EMPTY_BOOK, type LogBook, lineText } from "./log-book.js";
import type { LogStep } from "./log-lines.js";
import { logPages, type Source } from "./use-log.js";

/** Browsers need the address until the file is written. */
const KEPT_MS = 60_000;

export function textOf({ blocks }: LogBook, steps: ReadonlyMap<string, LogStep>): string {
  return blocks
    .flatMap(({ lines }) => lines)
    .map((line) => `#${(steps.get(line.step)?.number ?? 0).toString()} ${lineText(line)}\n`)
    .join("");
}

function save(parts: readonly string[], fileName: string): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, KEPT_MS);
}

interface Download {
  readonly start: () => void;
  readonly isRunning: boolean;
  readonly problem: ApiProblem | undefined;
  readonly dismiss: () => void;
}

/** As large as logs are at most, some ten megabytes, a file is made in memory. */
export function useDownload(source: Source, steps: ReadonlyMap<string, LogStep>, fileName: string): Download {
  const api = useApi();
  const { dismiss, isRunning, problem, run } = useAction();
  const start = (): void => {
    void run(async (signal) => {
      const parts: string[] = [];
      // Only the line that has not ended goes from page to page.
      let book = EMPTY_BOOK;
      for await (const { pieces } of logPages(api, source, 0, signal)) {
        book = appendPieces({ ...EMPTY_BOOK, open: book.open }, pieces, Infinity);
        parts.push(textOf(book, steps));
      }
      parts.push(textOf(closedBook({ ...EMPTY_BOOK, open: book.open }), steps));
      save(parts, fileName);
    });
  };
  return { start, isRunning, problem, dismiss };
}
