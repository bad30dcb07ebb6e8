/** Where one is in the page, kept in the address: `#/builds?outcome=failed`. Works from `file://` too. */
import { useCallback, useSyncExternalStore } from "react";

export interface Route {
  /** Decoded parts of the path: `["builds", "<ref>", "logs"]`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // somebody wrote a stray percent sign
  }
};

/** @param hash with or without its "#" */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
  return {
    parts: path
      .split("/")
      .filter((part) => part !== "")
      .map(decoded),
    query: new URLSearchParams(query),
  };
}

/** A link's address; undefined and empty values are left out. */
export function hrefOf(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const kept = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  const path = `#/${parts.map(encodeURIComponent).join("/")}`;
  return kept.length === 0 ? path : `${path}?${new URLSearchParams(kept).toString()}`;
}

function subscribe(onChange: () => void): () => void {
  window.addEventListener("hashchange", onChange);
  return () => {
    window.removeEventListener("hashchange", onChange);
  };
}

const currentHash = (): string => window.location.hash;

export const useRoute = (): Route => routeOf(useSyncExternalStore(subscribe, currentHash));

/** Changes values of the query and leaves the others; without a new entry in the browser's history. */
export function useQuery(): readonly [
  URLSearchParams,
  (changes: Readonly<Record<string, string | undefined>>) => void,
] {
  const { query } = useRoute();
  const change = useCallback((changes: Readonly<Record<string, string | undefined>>) => {
    const now = routeOf(currentHash());
    const next = hrefOf(now.parts, { ...Object.fromEntries(now.query), ...changes });
    window.history.replaceState(null, "", next);
    // Which the browser does not tell of by itself.
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  }, []);
  return [query, change];
}
