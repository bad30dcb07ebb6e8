/** Part of a piece that passes, valid during the call. Two numbers cost less than a Buffer for each of its layers. */
export type ByteRange = (bytes: Buffer, start: number, end: number) => void;
