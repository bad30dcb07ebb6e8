/** A stream of a connection that takes everything and sends nothing. */
import { Stream } from "../../grpc/http2/stream.js";

export const silentStream = (): Stream =>
  new Stream({
    sendData: (_stream, piece) => piece.length,
    sendHeaders: () => undefined,
    sendEndStream: () => undefined,
    sendReset: () => undefined,
    sendWindowUpdate: () => undefined,
    credit: () => undefined,
    isCongested: () => false,
    waitForRoom: () => undefined,
    forget: () => undefined,
  });
