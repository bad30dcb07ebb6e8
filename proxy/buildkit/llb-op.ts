/** Reads the operations of LLB: what each of them does, and the bytes of it that caches go by. */
import { z } from "zod";
import { loadProto } from "./codec.js";
import { fieldsOf } from "./raw-message.js";

export interface LlbInput {
  readonly digest: string;
  readonly index: number;
}

export interface LlbMount {
  /** Index of the operation's input; -1 where there is none. */
  readonly input: number;
  /** Folder or file of the input; "" for all. */
  readonly selector: string;
  readonly dest: string;
  readonly type: MountType;
  /** What the operation writes there becomes no result. */
  readonly isReadOnly: boolean;
  /** Everything of the mount that decides whether a cached result fits. */
  readonly stable: Buffer;
}

/** In the order of BuildKit's numbers. */
export const MOUNT_TYPES = ["bind", "secret", "ssh", "cache", "tmpfs", "other"] as const;
export type MountType = (typeof MOUNT_TYPES)[number];

export interface LlbExec {
  readonly type: "exec";
  readonly args: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly mounts: readonly LlbMount[];
  /** All else that decides whether a cached result fits. */
  readonly rest: readonly Buffer[];
}

export interface LlbCopy {
  /** Index of the operation's input that files are taken from; -1 or more than the inputs where it is none of them. */
  readonly input: number;
  readonly src: string;
  readonly dest: string;
  readonly owner: Buffer;
  readonly mode: string;
  readonly allowWildcard: boolean;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
}

export interface LlbFile {
  readonly type: "file";
  readonly copies: readonly LlbCopy[];
  /** Indexes of the operation's inputs that it changes. */
  readonly changes: readonly number[];
  /** The operation as a whole. */
  readonly stable: Buffer;
}

export interface LlbSource {
  readonly type: "source";
  /** Such as "docker-image://docker.io/library/alpine:3@sha256:…". */
  readonly identifier: string;
  readonly attrs: Readonly<Record<string, string>>;
}

export interface LlbOther {
  readonly type: "merge" | "diff" | "build" | "other";
  readonly stable: Buffer;
}

export interface LlbOperation {
  readonly inputs: readonly LlbInput[];
  /** Such as "linux/arm64/v8"; "" where the operation names none. */
  readonly platform: string;
  readonly does: LlbExec | LlbFile | LlbSource | LlbOther;
}

/** Fields of Op. */
const EXEC = 2;
const SOURCE = 3;
const FILE = 4;
const OTHERS: ReadonlyMap<number, LlbOther["type"]> = new Map([
  [5, "build"],
  [6, "merge"],
  [7, "diff"],
  [8, "other"],
]);
/** Fields of ExecOp. */
const META = 1;
const MOUNTS = 2;
/** Fields of Meta that are read, or that caches do not go by: the proxy (5) and addresses of other hosts (6). */
const META_READ = new Set([1, 2, 3, 4, 5, 6]);
/** Of a mount. */
const NO_OUTPUT = -1;
/** Of Mount: caches do not go by its id. */
const CACHE_OPT = 20;

const op = z.object({
  inputs: z.array(z.object({ digest: z.string(), index: z.number() })),
  source: z.object({ identifier: z.string(), attrs: z.record(z.string(), z.string()) }).nullable(),
  platform: z.object({ Architecture: z.string(), OS: z.string(), Variant: z.string() }).nullable(),
});
const mount = z.object({
  ...{ input: z.number(), output: z.number(), selector: z.string(), dest: z.string() },
  ...{ mountType: z.number(), readonly: z.boolean() },
});
const meta = z.object({
  args: z.array(z.string()),
  env: z.array(z.string()),
  cwd: z.string(),
  user: z.string(),
  extraHosts: z.array(z.object({ Host: z.string() })),
});
const copy = z.object({
  src: z.string(),
  dest: z.string(),
  owner: z.instanceof(Uint8Array),
  mode: z.number(),
  allowWildcard: z.boolean(),
  includePatterns: z.array(z.string()),
  excludePatterns: z.array(z.string()),
  modeStr: z.string(),
});
const file = z.object({
  actions: z.array(z.object({ input: z.number(), secondaryInput: z.number(), copy: copy.nullable() })),
});

export type ReadOperation = (encoded: Buffer) => LlbOperation | undefined;

/** Undefined for the last operation of a definition, which only names the result. @throws Error */
export async function loadOperationReader(): Promise<ReadOperation> {
  const proto = await loadProto("ops.proto");
  const codecs = {
    ...{ op: proto("pb.Op", op), meta: proto("pb.Meta", meta) },
    ...{ mount: proto("pb.Mount", mount), file: proto("pb.FileOp", file) },
  };

  function readExec(content: Buffer): LlbExec {
    const fields = [...fieldsOf(content)];
    const metaBytes = fields.find(({ number }) => number === META)?.content ?? Buffer.alloc(0);
    const { args, env, cwd, user, extraHosts } = codecs.meta.decode(metaBytes);
    const mounts = fields.flatMap(({ number, content: bytes }) =>
      number === MOUNTS && bytes !== undefined ? [readMount(bytes)] : [],
    );
    const rest = [
      ...[...fieldsOf(metaBytes)].filter(({ number }) => !META_READ.has(number)),
      ...fields.filter(({ number }) => number !== META && number !== MOUNTS),
    ].map(({ bytes }) => bytes);
    const hosts = extraHosts.map(({ Host }) => Buffer.from(`${Host};`));
    return { type: "exec", args, env, cwd, user, mounts, rest: [...rest, ...hosts] };
  }

  function readMount(bytes: Buffer): LlbMount {
    const { input, output, readonly, selector, dest, mountType } = codecs.mount.decode(bytes);
    const stable = [...fieldsOf(bytes)].flatMap((field) => (field.number === CACHE_OPT ? [] : [field.bytes]));
    const type = MOUNT_TYPES[mountType] ?? "other";
    const isReadOnly = readonly || output === NO_OUTPUT;
    return { input, selector, dest, type, isReadOnly, stable: Buffer.concat(stable) };
  }

  function readFile(content: Buffer): LlbFile {
    const { actions } = codecs.file.decode(content);
    const copies = actions.flatMap(({ secondaryInput, copy: found }) => {
      if (found === null) return [];
      const { owner, mode, modeStr, ...rest } = found;
      return [{ ...rest, input: secondaryInput, owner: Buffer.from(owner), mode: `${mode} ${modeStr}` }];
    });
    return { type: "file", copies, changes: actions.map(({ input }) => input), stable: content };
  }

  return (encoded) => {
    const { inputs, source, platform } = codecs.op.decode(encoded);
    const does = doesOf(encoded, source);
    if (does === undefined) return undefined;
    const parts = platform === null ? [] : [platform.OS, platform.Architecture, platform.Variant];
    return { inputs, platform: parts.filter((part) => part !== "").join("/"), does };
  };

  function doesOf(encoded: Buffer, source: Omit<LlbSource, "type"> | null): LlbOperation["does"] | undefined {
    for (const { number, content } of fieldsOf(encoded)) {
      if (content === undefined) continue;
      if (number === EXEC) return readExec(content);
      if (number === FILE) return readFile(content);
      if (number === SOURCE && source !== null) return { type: "source", ...source };
      const type = OTHERS.get(number);
      if (type !== undefined) return { type, stable: content };
    }
    return undefined;
  }
}
