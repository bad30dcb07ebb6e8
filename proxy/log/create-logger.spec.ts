/** Log lines: their form in both formats, levels, and that none is held back. */
import { expect } from "chai";
import { createLogger, type LogStream } from "./create-logger.js";

/** Keeps what is written; nothing is awaited between a log call and the look at `lines`. */
function memoryStream(isTTY: boolean): LogStream & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, isTTY, write: (line) => lines.push(line) };
}

const escape = String.fromCharCode(27);

describe("createLogger", () => {
  it("writes JSON with the level's name, ISO time, fields and event name", () => {
    const stream = memoryStream(true);
    createLogger({ level: "info", format: "json", stream }).info({ address: "unix:///a" }, "listening");
    const { time, ...fields } = JSON.parse(stream.lines.join("")) as Record<string, string>;
    expect(fields).to.deep.equal({ level: "info", address: "unix:///a", msg: "listening" });
    expect(new Date(time ?? "").toISOString()).to.equal(time);
  });

  it("writes text on one line, with date, level, event name and fields", () => {
    const stream = memoryStream(false);
    createLogger({ level: "info", format: "text", stream }).warn({ builder: "unix:///b" }, "builder down");
    expect(stream.lines).to.have.length(1);
    expect(stream.lines[0]).to.match(/^\[[-\d]{10} [:.\d]{12}\] WARN: builder down \{"builder":"unix:\/\/\/b"\}\n$/);
  });

  it("colours text on a terminal only, and JSON never", () => {
    const isColoured = (format: "text" | "json", isTTY: boolean) => {
      const stream = memoryStream(isTTY);
      createLogger({ level: "info", format, stream }).error("stopped");
      return stream.lines.join("").includes(escape);
    };
    expect([isColoured("text", true), isColoured("text", false), isColoured("json", true)]).to.deep.equal([
      true,
      false,
      false,
    ]);
  });

  it("keeps line breaks of a field inside its line", () => {
    for (const format of ["text", "json"] as const) {
      const stream = memoryStream(false);
      createLogger({ level: "info", format, stream }).info({ cause: "one\ntwo" }, "builder down");
      expect(stream.lines.join("").trimEnd(), format).to.not.include("\n");
    }
  });

  it("drops what is below its level", () => {
    const stream = memoryStream(false);
    const log = createLogger({ level: "warn", format: "json", stream });
    log.info("ready");
    log.warn("draining");
    expect(stream.lines).to.have.length(1);
  });
});
