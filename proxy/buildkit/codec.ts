/** Typed reading and writing of one kind of message, by a description from protos/. */
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { z } from "zod";

export interface Codec<T> {
  /** Absent fields have protobuf's defaults. @throws Error where the bytes are no such message. */
  decode(message: Buffer): T;
  /** Absent fields are left out. */
  encode(fields: Partial<T>): Buffer;
}

const OBJECT: protobuf.IConversionOptions = { defaults: true, arrays: true, objects: true, longs: Number };

/** Reads the description; the codecs that it gives do no I/O. @param file below protos/. */
export async function loadProto(file: string): Promise<<T>(message: string, schema: z.ZodType<T>) => Codec<T>> {
  const root = await protobuf.load(fileURLToPath(new URL(`../../protos/${file}`, import.meta.url)));
  return (message, schema) => {
    const type = root.lookupType(message);
    return {
      decode: (bytes) => schema.parse(type.toObject(type.decode(bytes), OBJECT)),
      encode: (fields) => Buffer.from(type.encode(type.fromObject(fields)).finish()),
    };
  };
}
