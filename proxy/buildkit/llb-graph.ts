/** Reads an LLB definition as a graph: its operations, what people call them, and where they stand in the Dockerfile. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { loadProto } from "./codec.js";
import { loadOperationReader, type LlbOperation } from "./llb-op.js";

export interface SourceLines {
  /** Name of the file. */
  readonly file: string;
  /** From 1. */
  readonly first: number;
  readonly last: number;
  /** As it stands there. */
  readonly text: string;
}

export interface LlbStep extends LlbOperation {
  /** Of the vertex in BuildKit's progress. */
  readonly digest: string;
  /** What the frontend calls it; "" where nothing. */
  readonly name: string;
  readonly ignoresCache: boolean;
  readonly lines?: SourceLines | undefined;
}

export interface LlbGraph {
  /** Each after those that it needs, as clients send them. */
  readonly steps: readonly LlbStep[];
  /** Texts of the Dockerfiles. */
  readonly sources: readonly string[];
}

/** @throws Error where the bytes are no definition. */
export type LlbReader = (definition: Buffer) => LlbGraph;

/** Key of a description, set by the Dockerfile frontend. */
const CUSTOM_NAME = "llb.customname";

const position = z.object({ line: z.number() }).nullable();
const definition = z.object({
  def: z.array(z.instanceof(Uint8Array)),
  metadata: z.record(z.string(), z.object({ ignoreCache: z.boolean(), description: z.record(z.string(), z.string()) })),
  source: z
    .object({
      locations: z.record(
        z.string(),
        z.object({
          locations: z.array(
            z.object({ sourceIndex: z.number(), ranges: z.array(z.object({ start: position, end: position })) }),
          ),
        }),
      ),
      infos: z.array(z.object({ filename: z.string(), data: z.instanceof(Uint8Array) })),
    })
    .nullable(),
});
type Source = NonNullable<z.infer<typeof definition>["source"]>;

/** Reads the description of LLB; file access happens here, once. */
export async function loadLlbReader(): Promise<LlbReader> {
  const proto = await loadProto("ops.proto");
  const definitions = proto("pb.DescribedDefinition", definition);
  const readOperation = await loadOperationReader();
  return (bytes) => {
    const { def, metadata, source } = definitions.decode(bytes);
    const files = (source?.infos ?? []).map(({ filename, data }) => readFile(filename, data));
    const steps = def.flatMap((encoded) => {
      const raw = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength);
      const operation = readOperation(raw);
      if (operation === undefined) return [];
      const digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
      const about = metadata[digest];
      const step: LlbStep = {
        ...operation,
        ...{ digest, name: about?.description[CUSTOM_NAME] ?? "", ignoresCache: about?.ignoreCache ?? false },
        lines: linesOf(digest, source, files),
      };
      return [step];
    });
    return { steps, sources: files.map(({ lines }) => lines.join("\n")) };
  };
}

interface SourceFile {
  readonly file: string;
  readonly lines: readonly string[];
}

function readFile(file: string, data: Uint8Array): SourceFile {
  return { file, lines: Buffer.from(data).toString().split(/\r?\n/) };
}

/** From the first of its lines to the last: an instruction over several lines has a range for each. */
function linesOf(digest: string, source: Source | null, files: readonly SourceFile[]): SourceLines | undefined {
  const location = source?.locations[digest]?.locations[0];
  const file = location === undefined ? undefined : files[location.sourceIndex];
  if (location === undefined || file === undefined) return undefined;
  let first = Infinity;
  let last = 0;
  for (const { start, end } of location.ranges) {
    const line = start?.line ?? 0;
    if (line < 1) continue;
    first = Math.min(first, line);
    last = Math.max(last, end?.line ?? line, line);
  }
  if (last < 1 || first > file.lines.length) return undefined;
  return { file: file.file, first, last, text: file.lines.slice(first - 1, last).join("\n") };
}
