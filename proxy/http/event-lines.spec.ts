/** Lines of server-sent events to events. */
import { expect } from "chai";
import { EventLines, type SentEvent } from "./event-lines.js";

const read = (text: string, id?: string): SentEvent[] => {
  const lines = new EventLines(id);
  return text.split("\n").flatMap((line) => lines.add(line) ?? []);
};

describe("EventLines", () => {
  it("ends an event at an empty line, and keeps the id until there is another", () => {
    expect(read("id: 1\nevent: a\ndata: x\n\nevent: b\ndata: y\n\nid: 2\n\n")).to.deep.equal([
      { id: "1", type: "a", data: "x" },
      { id: "1", type: "b", data: "y" },
      { id: "2", type: "", data: "" },
      { id: "2", type: "", data: "" },
    ]);
  });

  it("starts with the id it is given, and passes over comments and what it does not know", () => {
    expect(read(": hello\nretry: 5\nevent:a\ndata:x\ndata\nodd line\n", "7")).to.deep.equal([
      { id: "7", type: "a", data: "x\n" },
    ]);
  });
});
