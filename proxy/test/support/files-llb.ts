/** LLB that writes files, encoded as clients send it. */
import { createHash } from "node:crypto";
import protobuf from "protobufjs";

const LLB = protobuf.parse(`
syntax = "proto3";
message Definition { repeated bytes def = 1; map<string, OpMetadata> metadata = 2; }
message OpMetadata { }
message Op { repeated Input inputs = 1; FileOp file = 4; }
message Input { string digest = 1; int64 index = 2; }
message FileOp { repeated FileAction actions = 2; }
message FileAction { int64 input = 1; int64 secondaryInput = 2; int64 output = 3; Copy copy = 4; MkFile mkfile = 5; }
message Copy { string src = 1; string dest = 2; int32 mode = 4; bool dirCopyContents = 6; int64 timestamp = 11; }
message MkFile { string path = 1; int32 mode = 2; bytes data = 3; int64 timestamp = 5; }
message FrontendInputs { map<string, Definition> inputs = 10; }
`).root;

export const encodeLlb = (type: "Definition" | "FrontendInputs" | "Op", fields: object): Buffer => {
  const message = LLB.lookupType(type);
  return Buffer.from(message.encode(message.fromObject(fields)).finish());
};

export interface Llb {
  readonly def: readonly Buffer[];
  /** Without any, a frontend takes it for nothing. */
  readonly metadata: Readonly<Record<string, object>>;
}

const digestOf = (op: Buffer): string => `sha256:${createHash("sha256").update(op).digest("hex")}`;
const KEEP_TIME = -1;
const NO_INPUT = -1;

class LlbWriter {
  readonly #def: Buffer[] = [];

  add(inputs: readonly string[], actions: readonly object[]): string {
    const op = encodeLlb("Op", {
      inputs: inputs.map((digest) => ({ digest })),
      ...(actions.length > 0 && { file: { actions } }),
    });
    this.#def.push(op);
    return digestOf(op);
  }

  /** @param last digest of the step whose result it is. */
  end(last: string): Llb {
    this.add([last], []);
    return { def: this.#def, metadata: Object.fromEntries(this.#def.map((op) => [digestOf(op), {}])) };
  }
}

const mkfile = (path: string, text: string): object => ({
  ...{ path, mode: 0o644, data: Buffer.from(text), timestamp: KEEP_TIME },
});

/** Writes one file after the other, each in a step. */
export function filesLlb(files: Readonly<Record<string, string>>): Llb {
  const writer = new LlbWriter();
  let last: string | undefined;
  for (const [path, text] of Object.entries(files)) {
    const inputs = last === undefined ? [] : [last];
    last = writer.add(inputs, [
      { input: last === undefined ? NO_INPUT : 0, secondaryInput: NO_INPUT, mkfile: mkfile(path, text) },
    ]);
  }
  if (last === undefined) throw new Error("there are no files");
  return writer.end(last);
}

/** Writes files side by side, each in a step; a step gathers those of each group, and one more gathers the groups. */
export function wideLlb(groups: number, filesPerGroup: number, salt: string): Llb {
  const writer = new LlbWriter();
  const gather = (parts: readonly string[]): string =>
    writer.add(
      parts,
      parts.map((_, index) => ({
        // Each action goes on from the one before.
        ...{ input: index === 0 ? NO_INPUT : parts.length + index - 1, secondaryInput: index },
        output: index === parts.length - 1 ? 0 : -1,
        copy: { src: "/", dest: "/", mode: -1, dirCopyContents: true, timestamp: KEEP_TIME },
      })),
    );
  const names = (count: number): number[] => [...Array(count).keys()];
  const gathered = names(groups).map((group) =>
    gather(
      names(filesPerGroup).map((file) =>
        writer.add([], [{ input: NO_INPUT, secondaryInput: NO_INPUT, mkfile: mkfile(`/${group}-${file}`, salt) }]),
      ),
    ),
  );
  return writer.end(gather(gathered));
}
