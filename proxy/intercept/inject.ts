/** Adds our cache imports and exports to requests, by appending fields to their bytes: all else stays as it was sent. */
import { z } from "zod";
import type {
  BuildMessages,
  CacheOptionsEntry,
  GatewaySolveRequest,
  SolveRequest,
} from "../buildkit/build-messages.js";

/** Option of the Dockerfile frontend: a JSON list of imports. */
const CACHE_IMPORTS = "cache-imports";

/** How the frontend spells an entry. */
const frontendEntries = z.array(z.looseObject({ Type: z.string(), Attrs: z.record(z.string(), z.string()).nullish() }));

/** A request, and all the imports that it has. */
export interface Injected {
  readonly message: Buffer;
  readonly imports: readonly CacheOptionsEntry[];
}

/** LLBBridge.Solve. @param entry our import, undefined where there is none. */
export function injectIntoGatewaySolve(
  messages: BuildMessages,
  message: Buffer,
  request: GatewaySolveRequest,
  entry: CacheOptionsEntry | undefined,
): Injected {
  // With a frontend, what is in `CacheImports` is not read.
  if (request.frontend === "") {
    const imports = [...request.cacheImports, ...(entry === undefined ? [] : [entry])];
    if (entry === undefined) return { message, imports };
    const appended = messages.gatewaySolveRequest.encode({ cacheImports: [entry] });
    return { message: Buffer.concat([message, appended]), imports };
  }
  const { imports, option } = withEntry(request.frontendOpt[CACHE_IMPORTS], entry);
  if (option === undefined) return { message, imports };
  // Of two entries of a map with the same key, the last counts.
  const appended = messages.gatewaySolveRequest.encode({ frontendOpt: { [CACHE_IMPORTS]: option } });
  return { message: Buffer.concat([message, appended]), imports };
}

/** Control.Solve that has its frontend or definition in itself. @param entry our import, undefined where there is none. */
export function injectIntoSolve(
  messages: BuildMessages,
  message: Buffer,
  request: SolveRequest,
  entry: CacheOptionsEntry | undefined,
): Buffer {
  if (entry === undefined) return message;
  if (request.frontend === "") {
    return Buffer.concat([message, messages.solveRequest.encode({ cache: { exports: [], imports: [entry] } })]);
  }
  const { option } = withEntry(request.frontendAttrs[CACHE_IMPORTS], entry);
  if (option === undefined) return message;
  return Buffer.concat([message, messages.solveRequest.encode({ frontendAttrs: { [CACHE_IMPORTS]: option } })]);
}

/** Control.Solve: an export that cannot fail the build. */
export function attachExport(messages: BuildMessages, message: Buffer, entry: CacheOptionsEntry): Buffer {
  const harmless = { ...entry, attrs: { ...entry.attrs, "ignore-error": "true" } };
  return Buffer.concat([message, messages.solveRequest.encode({ cache: { exports: [harmless], imports: [] } })]);
}

/** The option with our entry behind the user's; without it where that cannot be added, or there is none. */
function withEntry(
  given: string | undefined,
  entry: CacheOptionsEntry | undefined,
): { readonly option?: string; readonly imports: readonly CacheOptionsEntry[] } {
  const users = parseEntries(given ?? "");
  if (users === undefined) return { imports: [] };
  const imports = users.map(({ Type, Attrs }) => ({ type: Type, attrs: Attrs ?? {} }));
  if (entry === undefined) return { imports };
  const option = JSON.stringify([...users, { Type: entry.type, Attrs: entry.attrs }]);
  return { option, imports: [...imports, entry] };
}

/** Undefined where it is not what we know: then it is the frontend's to judge. */
function parseEntries(option: string): z.infer<typeof frontendEntries> | undefined {
  if (option === "") return [];
  try {
    return frontendEntries.safeParse(JSON.parse(option)).data;
  } catch {
    return undefined;
  }
}
