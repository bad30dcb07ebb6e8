/** The seam to those who read Control.Solve: what of a build decides where it goes. */

export interface SolveFacts {
  /** BuildKit's name for the build: its other calls name it. */
  readonly ref: string;
  /** The one that the build belongs to. */
  readonly session: string;
  /** Ids of all sessions that it uses, its own included. */
  readonly sessions: readonly string[];
  /** A question of the client's, such as what the builder can do: of no project. */
  readonly isInternal: boolean;
  /** Of its result, `os/architecture[/variant]`; empty for the builder's own. */
  readonly platforms: readonly string[];
  /** Without what its session tells, the project is not known. */
  readonly needsSharedKey: boolean;
  /** @param sharedKey of its session, "" where unknown. */
  readonly identify: (sharedKey: string) => {
    readonly tenant: string;
    readonly project: string;
    readonly scope: string;
  };
}

/** @throws Error where the message is none. */
export type ReadSolve = (message: Buffer) => SolveFacts;
