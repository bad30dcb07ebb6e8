/** Makes the builder with the user's own Docker, from a tab of Docker Desktop. */
import { useState } from "react";
import { useAction } from "../../state/use-answer.js";
import type { Desktop } from "../../state/use-api.js";
import { BUILDER_NAME, createArguments, inspectedEndpoint, type Needs } from "./endpoint.js";

export type BuilderState =
  | { readonly state: "unknown" }
  /** `endpoint` is "" where Docker did not tell. */
  | { readonly state: "exists"; readonly endpoint: string }
  | { readonly state: "created" }
  | { readonly state: "used" };

export interface BuilderSteps {
  readonly now: BuilderState;
  readonly isRunning: boolean;
  /** What Docker printed when it failed. */
  readonly failure: string | undefined;
  readonly create: () => void;
  readonly replace: () => void;
  readonly makeDefault: () => void;
}

export function useBuilderSteps(desktop: Desktop, address: string, needs: Needs): BuilderSteps {
  const [now, setNow] = useState<BuilderState>({ state: "unknown" });
  const { isRunning, problem, run } = useAction();
  const buildx = (...rest: readonly string[]): Promise<string> => desktop.runDocker("buildx", rest);
  const createNow = async (): Promise<void> => {
    await buildx(...createArguments(address, needs));
    setNow({ state: "created" });
  };
  const create = async (): Promise<void> => {
    // Why it cannot be inspected does not matter: where Docker itself is the reason, the next command tells.
    const inspected = await buildx("inspect", BUILDER_NAME).catch(() => undefined);
    if (inspected === undefined) await createNow();
    else setNow({ state: "exists", endpoint: inspectedEndpoint(inspected) ?? "" });
  };
  const replace = async (): Promise<void> => {
    await buildx("rm", BUILDER_NAME);
    setNow({ state: "unknown" });
    await createNow();
  };
  const makeDefault = async (): Promise<void> => {
    await buildx("use", BUILDER_NAME);
    setNow({ state: "used" });
  };
  return {
    ...{ now, isRunning, failure: problem?.message },
    create: () => void run(create),
    replace: () => void run(replace),
    makeDefault: () => void run(makeDefault),
  };
}
