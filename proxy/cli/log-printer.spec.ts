/** Logs as buildx prints them: whose lines are whose. */
import { expect } from "chai";
import { SAMPLE_STARTED_AT_MS, sampleStep } from "../test/support/build-samples.js";
import { LogPrinter, type NumberedStep } from "./log-printer.js";

const make: NumberedStep = { number: 1, step: sampleStep({ name: "RUN make" }) };
const test: NumberedStep = {
  number: 2,
  step: sampleStep({ name: "RUN test", result: "failed", error: "exit code: 1" }),
};

describe("LogPrinter", () => {
  let written: string;
  let log: LogPrinter;
  const piece = (text: string, afterMs = 0) => {
    return { step: "", stream: 1, atMs: SAMPLE_STARTED_AT_MS + afterMs, text };
  };

  beforeEach(() => {
    written = "";
    log = new LogPrinter({ write: (text) => (written += text), keepsColours: false });
  });

  it("puts number and time before lines, and a title wherever another step speaks", () => {
    log.print(make, piece("one\ntwo\n", 1234));
    log.print(test, piece("three\n"));
    log.print(make, piece("four\n"));
    log.end(make);
    log.end(test);
    expect(written).to.equal(
      [
        "#1 RUN make",
        "#1 1.234 one",
        "#1 1.234 two",
        "",
        "#2 RUN test",
        "#2 0.000 three",
        "",
        "#1 RUN make",
        "#1 0.000 four",
        "#1 DONE 1.2s",
        "",
        "#2 RUN test",
        "#2 ERROR exit code: 1",
        "",
      ].join("\n"),
    );
  });

  it("joins lines that come in pieces, those of two steps apart", () => {
    for (const text of ["on", "e\r\ntw"]) log.print(make, piece(text));
    log.print(test, piece("other"));
    log.print(make, piece("o"));
    log.end(make);
    log.end(test);
    expect(written.match(/^#\d \d.*$/gm)).to.deep.equal(["#1 0.000 one", "#1 0.000 two", "#2 0.000 other"]);
  });

  it("takes a return of the carriage for the end of a line, also at the end of a piece", () => {
    for (const text of ["10%\r20%\r", "\n", "30%\r", "done\n"]) log.print(make, piece(text));
    expect(written.match(/^#1 \d.*$/gm)).to.deep.equal([
      "#1 0.000 10%",
      "#1 0.000 20%",
      "#1 0.000 30%",
      "#1 0.000 done",
    ]);
  });

  it("breaks a line that does not end", () => {
    for (let count = 0; count < 10; count += 1) log.print(make, piece("x".repeat(20_000)));
    const lines = written.match(/^#1 \d.*$/gm) ?? [];
    expect(lines).to.have.length(2);
    expect(Math.max(...lines.map((line) => line.length))).to.be.lessThan(90_000);
  });

  it("says how a step ended that printed nothing, and that a log is cut", () => {
    log.end({ number: 3, step: sampleStep({ result: "cached" }) });
    log.end({ number: 4, step: sampleStep({ result: "canceled", isLogCut: true }) });
    log.end({ number: 5, step: sampleStep({ result: "running" }) });
    expect(written.match(/^#\d [A-Z(][^a-z]{2}.*$|^.*cut.*$/gm)).to.deep.equal([
      "#3 CACHED",
      "#4 (the log is cut: it is longer than what is kept)",
      "#4 CANCELED",
    ]);
  });
});
