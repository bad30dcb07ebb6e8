/** The logger: one event per line, as JSON or as text for people. */
import { pino } from "pino";
import { prettyFactory } from "pino-pretty";
import type { LogFormat, LogLevel } from "../config/config.js";

/** `log.info({ field }, "event name")`: the message is the event's name, all else goes into fields. */
export type Logger = Pick<pino.Logger, LogLevel>;

/** Whose level may be changed at any time. */
export type LeveledLogger = Logger & Pick<pino.Logger, "level">;

/** Where lines go; process.stderr is one. */
export interface LogStream {
  write(line: string): unknown;
  readonly isTTY?: boolean;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly stream: LogStream;
}

/** Renders in this process: lines of a worker thread would be lost when the process ends. */
function asText(stream: LogStream): LogStream {
  const render = prettyFactory({
    colorize: stream.isTTY === true,
    singleLine: true,
    translateTime: "SYS:yyyy-mm-dd HH:MM:ss.l",
  });
  return { write: (line) => stream.write(render(line)) };
}

/** Each line is handed to the stream before the call returns. */
export function createLogger({ level, format, stream }: LoggerOptions): LeveledLogger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, format === "text" ? asText(stream) : stream);
}
