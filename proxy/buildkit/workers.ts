/** Reads the answer of Control.ListWorkers: what kind of daemon a builder is. */
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { z } from "zod";

export interface Workers {
  /** Of the first worker: a daemon that begins with nothing has a new one. "" where it does not tell. */
  readonly id: string;
  /** Version of the daemon, "" where it does not tell. */
  readonly version: string;
  /** `os/architecture[/variant]` of all workers, each once; the first is its own, unless its configuration says otherwise. */
  readonly platforms: readonly string[];
  /** Of all workers; where several have one, that of the first. */
  readonly labels: Readonly<Record<string, string>>;
  /** The bytes of the whole answer. */
  readonly message?: Buffer;
}

const listWorkersResponse = z.object({
  record: z
    .array(
      z.object({
        id: z.string().default(""),
        labels: z.record(z.string(), z.string()).default({}),
        platforms: z
          .array(
            z.object({
              os: z.string().default(""),
              architecture: z.string().default(""),
              variant: z.string().default(""),
            }),
          )
          .default([]),
        buildkitVersion: z.object({ version: z.string().default("") }).optional(),
      }),
    )
    .default([]),
});

/** Loads the message description; file access happens here, once. */
export async function loadWorkersCodec(): Promise<(message: Buffer) => Workers> {
  const root = await protobuf.load(fileURLToPath(new URL("../../protos/workers.proto", import.meta.url)));
  const type = root.lookupType("moby.buildkit.v1.ListWorkersResponse");
  return (message) => {
    const { record } = listWorkersResponse.parse(type.toObject(type.decode(message)));
    const platforms = record.flatMap((worker) =>
      worker.platforms.map(({ os, architecture, variant }) =>
        [os, architecture, variant].filter((part) => part !== "").join("/"),
      ),
    );
    return {
      id: record[0]?.id ?? "",
      version: record[0]?.buildkitVersion?.version ?? "",
      platforms: [...new Set(platforms)],
      labels: Object.assign({}, ...record.map(({ labels }) => labels).reverse()) as Record<string, string>,
    };
  };
}
