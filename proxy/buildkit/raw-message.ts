/** Changes to the bytes of a protobuf message that leave every field, known or not, as it was sent. */
import protobuf from "protobufjs";

export interface RawField {
  readonly number: number;
  /** The whole field, its tag included. */
  readonly bytes: Buffer;
  /** What a length-delimited field holds. */
  readonly content: Buffer | undefined;
}

const LENGTH_DELIMITED = 2;

/** The fields in their order. @throws RangeError | Error where the bytes are no message. */
export function* fieldsOf(message: Buffer): Generator<RawField, undefined> {
  const reader = protobuf.Reader.create(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.uint32();
    const wireType = tag & 7;
    const number = tag >>> 3;
    if (wireType === LENGTH_DELIMITED) {
      const content = Buffer.from(reader.bytes());
      yield { number, bytes: message.subarray(start, reader.pos), content };
    } else {
      reader.skipType(wireType);
      yield { number, bytes: message.subarray(start, reader.pos), content: undefined };
    }
  }
}

/** The message without the entry `key` of its `map<string, …>` field `number`. */
export function withoutMapEntry(message: Buffer, number: number, key: string): Buffer {
  const isEntry = ({ number: itsNumber, content }: RawField): boolean =>
    itsNumber === number && content !== undefined && keyOf(content) === key;
  return Buffer.concat([...fieldsOf(message)].filter((field) => !isEntry(field)).map(({ bytes }) => bytes));
}

/** A map's entry is a message with its key in field 1; without it, the key is "". */
function keyOf(entry: Buffer): string {
  let key = "";
  for (const { number, content } of fieldsOf(entry))
    if (number === 1 && content !== undefined) key = content.toString();
  return key;
}
