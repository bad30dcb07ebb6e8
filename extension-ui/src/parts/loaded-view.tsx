/** A view of an answer: the answer, or why there is none yet. */
import type { ReactNode } from "react";
import type { Loaded } from "../state/use-answer.js";
import { Problem } from "./problem.js";
import { Waiting } from "./waiting.js";

interface Props<T> {
  readonly loaded: Loaded<T>;
  /** What is loaded, for those who cannot see the circle: "the builds". */
  readonly of: string;
  readonly children: (answer: T) => ReactNode;
}

/** An answer that is there stays, below the problem that keeps it from being renewed. */
export function LoadedView<T>({ loaded, of, children }: Props<T>): ReactNode {
  const { answer, problem, reload } = loaded;
  return (
    <>
      <Problem problem={problem} onRetry={reload} />
      {answer !== undefined && children(answer)}
      {answer === undefined && problem === undefined && <Waiting of={of} />}
    </>
  );
}
