/** What an LLB definition says: its operations, and a digest that tells equal builds from different ones. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { loadProto } from "./codec.js";
import { fieldsOf } from "./raw-message.js";

export interface Definition {
  /** Digests of the operations that give results; the last operation, which only names them, is left out. */
  readonly vertexes: readonly string[];
  /** The last of them, which is loaded after all others. */
  readonly result: string;
  /** Those of them whose results are exported: not sources, nor what is made from nothing. */
  readonly steps: readonly string[];
  /** Equal for definitions that differ only in what each build makes anew, such as the session of its local files. */
  readonly stableDigest: string;
}

interface Op {
  readonly inputs: readonly { readonly digest: string; readonly index: number }[];
  readonly source: { readonly identifier: string; readonly attrs: Readonly<Record<string, string>> } | null;
}
const op: z.ZodType<Op> = z.object({
  inputs: z.array(z.object({ digest: z.string(), index: z.number() })),
  source: z.object({ identifier: z.string(), attrs: z.record(z.string(), z.string()) }).nullable(),
});
/** Fields of Op. */
const INPUTS = 1;
const SOURCE = 3;
/** Of a `local://` source: made anew for each build. */
const PER_BUILD_ATTRS = new Set(["local.session", "local.unique"]);

/** @throws Error where the bytes are no definition. */
export type ReadDefinition = (definition: Buffer) => Definition;

/** Reads the description of LLB; file access happens here, once. */
export async function loadDefinitionReader(): Promise<ReadDefinition> {
  const proto = await loadProto("ops.proto");
  const definitions = proto("pb.Definition", z.object({ def: z.array(z.instanceof(Uint8Array)) }));
  const ops = proto("pb.Op", op);
  return (bytes) => {
    const vertexes: string[] = [];
    const stable = new Map<string, string>();
    const steps: string[] = [];
    let last = "";
    for (const encoded of definitions.decode(bytes).def) {
      const raw = Buffer.from(encoded);
      const decoded = ops.decode(raw);
      const digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
      last = stableDigestOf(decoded, raw, stable);
      stable.set(digest, last);
      if (!isTerminal(raw)) {
        vertexes.push(digest);
        if (decoded.inputs.length > 0) steps.push(digest);
      }
    }
    const result = vertexes.at(-1);
    if (result === undefined) throw new Error("the definition has no operation");
    return { vertexes, result, steps, stableDigest: last };
  };
}

/** The last operation has inputs and nothing else. */
function isTerminal(raw: Buffer): boolean {
  for (const { number } of fieldsOf(raw)) if (number !== INPUTS) return false;
  return true;
}

function stableDigestOf({ inputs, source }: Op, raw: Buffer, stable: ReadonlyMap<string, string>): string {
  const hash = createHash("sha256");
  const add = (text: string): unknown => hash.update(`${Buffer.byteLength(text)}:${text};`);
  for (const { digest, index } of inputs) add(`${stable.get(digest) ?? digest}#${index}`);
  if (source !== null) {
    add(source.identifier);
    for (const name of Object.keys(source.attrs).sort()) {
      if (!PER_BUILD_ATTRS.has(name)) add(`${name}=${source.attrs[name] ?? ""}`);
    }
  }
  for (const { number, bytes } of fieldsOf(raw)) if (number !== INPUTS && number !== SOURCE) hash.update(bytes);
  return hash.digest("hex");
}
