/**
 * Keeps a client's session alive until a builder uses it. The client serves HTTP/2 in its tunnel, and gives up when the
 * preface of the other end does not come within 10 s (golang.org/x/net/http2, prefaceTimeout): we send it then, and
 * leave it out of what the builder sends.
 */
import protobuf from "protobufjs";
import { fieldsOf } from "../buildkit/raw-message.js";
import { CONNECTION_PREFACE, settingsFrame } from "../grpc/http2/frame.js";

const PREFACE = Buffer.from(CONNECTION_PREFACE);
/** Of BytesMessage. */
const DATA = 1;
const DATA_TAG = (DATA << 3) | 2;

/** The preface and empty SETTINGS, as the message that carries them. */
export const tunnelGreeting = (): Buffer => bytesMessage(Buffer.concat([PREFACE, settingsFrame([])]));

/**
 * The first message of a builder's without the preface that the client has already; undefined where nothing is left
 * of it. BuildKit writes the preface at once, so it is never cut in two.
 */
export function withoutPreface(message: Buffer): Buffer | undefined {
  const data = [...fieldsOf(message)].findLast(({ number }) => number === DATA)?.content;
  if (data?.subarray(0, PREFACE.length).equals(PREFACE) !== true) return message;
  // An empty message would be taken for stale bytes by the other end.
  return data.length === PREFACE.length ? undefined : bytesMessage(data.subarray(PREFACE.length));
}

const bytesMessage = (data: Buffer): Buffer =>
  Buffer.from(protobuf.Writer.create().uint32(DATA_TAG).bytes(data).finish());
