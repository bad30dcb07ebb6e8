/** What views are given of the outside: the API, and Docker Desktop where the page is its tab. */
import { createContext, useContext } from "react";
import type { ApiClient } from "../api/api-client.js";

/** What a tab of Docker Desktop can do and a web page cannot. */
export interface Desktop {
  /** Runs `docker` on the user's machine, resolves with what it printed. @throws Error with what it printed */
  runDocker(command: string, args: readonly string[]): Promise<string>;
  openExternal(url: string): void;
}

export interface Outside {
  readonly api: ApiClient;
  readonly desktop?: Desktop | undefined;
}

export const OutsideContext = createContext<Outside | undefined>(undefined);

export function useOutside(): Outside {
  const outside = useContext(OutsideContext);
  if (outside === undefined) throw new Error("the page has no way to MemoBuild");
  return outside;
}

export const useApi = (): ApiClient => useOutside().api;
