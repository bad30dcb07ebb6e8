/** HTTP/2 frames: the numbers of RFC 9113 and the writing of frames. */

export const FRAME_HEADER_BYTES = 9;
/** SETTINGS_MAX_FRAME_SIZE where nothing else is announced; we announce nothing else. */
export const DEFAULT_FRAME_MAX_BYTES = 16_384;
export const DEFAULT_WINDOW_BYTES = 65_535;
/** Largest flow-control window (RFC 9113 §6.9.1) and stream id (§5.1.1). */
export const WINDOW_MAX_BYTES = 0x7fff_ffff;
export const STREAM_ID_MAX = 0x7fff_ffff;
export const CONNECTION_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export const FrameType = {
  Data: 0,
  Headers: 1,
  Priority: 2,
  RstStream: 3,
  Settings: 4,
  PushPromise: 5,
  Ping: 6,
  GoAway: 7,
  WindowUpdate: 8,
  Continuation: 9,
} as const;

export const Flag = { Ack: 0x1, EndStream: 0x1, EndHeaders: 0x4, Padded: 0x8, Priority: 0x20 } as const;

export const Setting = {
  HeaderTableSize: 1,
  EnablePush: 2,
  MaxConcurrentStreams: 3,
  InitialWindowSize: 4,
  MaxFrameSize: 5,
  MaxHeaderListSize: 6,
} as const;

/** Error codes of RST_STREAM and GOAWAY (RFC 9113 §7). A peer may send others; they are passed on as they are. */
export const ErrorCode = {
  NoError: 0,
  ProtocolError: 1,
  InternalError: 2,
  FlowControlError: 3,
  SettingsTimeout: 4,
  StreamClosed: 5,
  FrameSizeError: 6,
  RefusedStream: 7,
  Cancel: 8,
  CompressionError: 9,
  ConnectError: 10,
  EnhanceYourCalm: 11,
  InadequateSecurity: 12,
  Http11Required: 13,
} as const;

/** The nine bytes before a payload of `length` bytes. */
export function frameHeader(length: number, type: number, flags: number, streamId: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUIntBE(length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId, 5);
  return header;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(settings.length * 6);
  settings.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return Buffer.concat([frameHeader(payload.length, FrameType.Settings, 0, 0), payload]);
}

export function windowUpdateFrame(streamId: number, increment: number): Buffer {
  return uint32Frame(FrameType.WindowUpdate, streamId, increment);
}

export function rstStreamFrame(streamId: number, code: number): Buffer {
  return uint32Frame(FrameType.RstStream, streamId, code);
}

export function goAwayFrame(lastStreamId: number, code: number, debugData: string): Buffer {
  const debug = Buffer.from(debugData);
  const payload = Buffer.allocUnsafe(8 + debug.length);
  payload.writeUInt32BE(lastStreamId, 0);
  payload.writeUInt32BE(code, 4);
  debug.copy(payload, 8);
  return Buffer.concat([frameHeader(payload.length, FrameType.GoAway, 0, 0), payload]);
}

function uint32Frame(type: number, streamId: number, value: number): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 4);
  frameHeader(4, type, 0, streamId).copy(frame);
  frame.writeUInt32BE(value, FRAME_HEADER_BYTES);
  return frame;
}
