/** What the steps of a build printed, followed while it runs. */
import { Box, Button, FormControlLabel, Switch, TextField, Typography } from "@mui/material";
import { type ReactNode, useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { BuildGraph } from "../../api/openapi.js";
import { formatBytes } from "../../parts/format.js";
import { LoadedView } from "../../parts/loaded-view.js";
import { Problem } from "../../parts/problem.js";
import { useQuery } from "../../state/route.js";
import { shortRef } from "./build-words.js";
import { findLines, keptLines, type LogBook } from "./log-book.js";
import { lineId, LogLines, type LogStep } from "./log-lines.js";
import { LogSearch } from "./log-search.js";
import { logStyle } from "./log-style.js";
import { useDownload } from "./use-download.js";
import { useLog } from "./use-log.js";

/** So near the end, one follows what comes. */
const END_PX = 40;

/** The same as long as nothing that is shown of the steps changed. */
function useLogSteps({ nodes }: BuildGraph): ReadonlyMap<string, LogStep> {
  const entries = nodes.map(
    ({ digest, name, startedAtMs, step }) => [digest, { number: step + 1, name, startedAtMs }] as const,
  );
  const key = JSON.stringify(entries);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the key is all that the map is made of
  return useMemo(() => new Map(entries), [key]);
}

interface LinesProps {
  readonly book: LogBook;
  /** It is still being read. */
  readonly hasMore: boolean;
  readonly steps: ReadonlyMap<string, LogStep>;
  readonly searched: string;
  readonly current: number | undefined;
  readonly isWrapped: boolean;
  readonly isRunning: boolean;
}

function Lines({ book, current, hasMore, isRunning, isWrapped, searched, steps }: LinesProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, setIsFollowing] = useState(isRunning);
  const content = useRef<HTMLDivElement>(null);
  const lastTop = useRef(0);
  /** Not for those who have scrolled up, even where nothing was told of that yet. */
  const follow = (): void => {
    if (box.current === null || box.current.scrollTop < lastTop.current) return;
    box.current.scrollTop = box.current.scrollHeight;
    lastTop.current = box.current.scrollTop;
  };
  useLayoutEffect(() => {
    if (isFollowing) follow();
  }, [book, isFollowing]);
  useEffect(() => {
    if (!isFollowing || content.current === null) return;
    // How high lines are that wrap is known once they are in sight.
    const grown = new ResizeObserver(follow);
    grown.observe(content.current);
    return () => {
      grown.disconnect();
    };
  }, [isFollowing]);
  useLayoutEffect(() => {
    if (current !== undefined) document.getElementById(lineId(current))?.scrollIntoView({ block: "center" });
  }, [current]);
  const lost = book.count - keptLines(book);
  return (
    <>
      <Typography variant="body2" color="text.secondary" sx={{ minHeight: 22 }}>
        {hasMore && `Reading: ${book.count.toLocaleString("en")} lines so far. `}
        {lost > 0 && `The first ${lost.toLocaleString("en")} lines are not shown; the download has them.`}
      </Typography>
      <Box sx={{ position: "relative" }}>
        <Box
          ref={box}
          sx={logStyle(isWrapped)}
          tabIndex={0}
          role="log"
          aria-live="off"
          aria-label="Log"
          onScroll={({ currentTarget: { clientHeight, scrollHeight, scrollTop } }) => {
            // Away from the end goes who scrolls up, or what is printed.
            const isAtEnd = scrollHeight - scrollTop - clientHeight < END_PX;
            if (isAtEnd) setIsFollowing(isRunning);
            else if (scrollTop < lastTop.current) setIsFollowing(false);
            // Who has scrolled up while it followed is known by that until it no longer does.
            if (isAtEnd || !isFollowing) lastTop.current = scrollTop;
          }}
        >
          <div ref={content}>
            {book.blocks.map((block) => (
              <LogLines
                key={block.index}
                block={block}
                steps={steps}
                searched={searched}
                current={block.lines.some(({ id }) => id === current) ? current : undefined}
              />
            ))}
          </div>
          {book.count === 0 && (
            <Typography sx={{ px: 1.5 }}>{isRunning ? "Nothing was printed yet." : "Nothing was printed."}</Typography>
          )}
        </Box>
        {isRunning && !isFollowing && (
          <Button
            variant="contained"
            size="small"
            sx={{ position: "absolute", right: 24, bottom: 12 }}
            onClick={() => {
              lastTop.current = 0;
              setIsFollowing(true);
            }}
          >
            Follow
          </Button>
        )}
      </Box>
    </>
  );
}

interface Props {
  readonly graph: BuildGraph;
  /** Digests of steps of whose logs parts were left out. */
  readonly cut: ReadonlySet<string>;
}

export function LogsTab({ cut, graph }: Props): ReactNode {
  const [query, changeQuery] = useQuery();
  const [isWrapped, setIsWrapped] = useState(true);
  const [text, setText] = useState("");
  const [match, setMatch] = useState<number | undefined>(undefined);
  const isRunning = graph.outcome === "running";
  const step = query.get("step");
  const chosen = step === null ? undefined : graph.nodes.find((node) => node.step.toString() === step);
  const source = { name: graph.ref, step: chosen?.digest };
  const log = useLog(source, isRunning);
  const steps = useLogSteps(graph);
  const download = useDownload(source, steps, `build-${shortRef(graph.ref)}.log`);
  const searched = useDeferredValue(text.trim());
  const book = log.answer?.book;
  const found = useMemo(() => (book === undefined ? [] : findLines(book, searched)), [book, searched]);
  const isCut = chosen === undefined ? cut.size > 0 : cut.has(chosen.digest);
  return (
    <>
      <Box sx={{ display: "flex", columnGap: 2, rowGap: 1, alignItems: "center", flexWrap: "wrap" }}>
        <TextField
          select
          size="small"
          label="Step"
          value={chosen?.step.toString() ?? ""}
          onChange={({ target }) => {
            setMatch(undefined);
            changeQuery({ step: target.value });
          }}
          slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
          sx={{ width: 280 }}
        >
          <option value="">All steps</option>
          {graph.nodes
            .filter((node) => node.logBytes > 0 || node === chosen)
            .map((node) => (
              <option key={node.step} value={node.step}>
                {`#${(node.step + 1).toString()} ${node.name} (${formatBytes(node.logBytes)})`}
              </option>
            ))}
        </TextField>
        <LogSearch
          text={text}
          onText={(next) => {
            setText(next);
            setMatch(undefined);
          }}
          count={found.length}
          current={match}
          onGo={setMatch}
        />
        <FormControlLabel
          label="Wrap lines"
          control={
            <Switch
              size="small"
              checked={isWrapped}
              onChange={(_, isOn) => {
                setIsWrapped(isOn);
              }}
            />
          }
        />
        <Button size="small" onClick={download.start} disabled={download.isRunning}>
          Download
        </Button>
      </Box>
      <Problem problem={download.problem} onClose={download.dismiss} />
      {isCut && (
        <Typography variant="body2" sx={{ mt: 1 }}>
          {chosen === undefined ? "Logs of some steps are cut" : "This log is cut"}: only the beginning and the end are
          kept.
        </Typography>
      )}
      <LoadedView loaded={log} of="the log">
        {(read) => (
          <Lines
            key={source.step ?? ""}
            book={read.book}
            hasMore={read.hasMore}
            steps={steps}
            searched={searched}
            current={match === undefined ? undefined : found[match]}
            isWrapped={isWrapped}
            isRunning={isRunning}
          />
        )}
      </LoadedView>
    </>
  );
}
