/** Lines of a log, block by block: what is out of sight costs next to nothing. */
import { memo, type NamedExoticComponent } from "react";
import { BLOCK_LINES, findLines, type LogBlock, type LogLine } from "./log-book.js";

/** What is told of a step beside its lines. */
export interface LogStep {
  readonly number: number;
  readonly name: string;
  readonly startedAtMs: number | undefined;
}

interface Props {
  readonly block: LogBlock;
  readonly steps: ReadonlyMap<string, LogStep>;
  /** Lines with it are marked. */
  readonly searched: string;
  /** Id of the line that was jumped to, where it is one of these. */
  readonly current: number | undefined;
}

export const lineId = (id: number): string => `log-line-${id.toString()}`;

const elapsedText = ({ atMs }: LogLine, step: LogStep | undefined): string =>
  (Math.max(0, atMs - (step?.startedAtMs ?? atMs)) / 1000).toFixed(3);

export const LogLines: NamedExoticComponent<Props> = memo(function LogLines({ block, current, searched, steps }) {
  const found = new Set(findLines({ blocks: [block], open: new Map(), count: 0 }, searched));
  return (
    <div className="block" style={{ containIntrinsicSize: `auto ${(BLOCK_LINES * 18).toString()}px` }}>
      {block.lines.map((line) => {
        const step = steps.get(line.step);
        const mark = line.id === current ? " current" : found.has(line.id) ? " found" : "";
        return (
          <div key={line.id} id={lineId(line.id)}>
            {line.isFirstOfStep && step !== undefined && (
              <div className="title">{`#${step.number.toString()} ${step.name}`}</div>
            )}
            <div className={`line${mark}`}>
              <span className="time">{elapsedText(line, step)}</span>
              {line.segments.map(({ colour, isBold, text }, index) =>
                colour === undefined && !isBold ? (
                  text
                ) : (
                  <span key={index} className={`${colour ?? ""}${isBold ? " bold" : ""}`}>
                    {text}
                  </span>
                ),
              )}
              {"\n"}
            </div>
          </div>
        );
      })}
    </div>
  );
});
