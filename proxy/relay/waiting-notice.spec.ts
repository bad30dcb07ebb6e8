/** What a client shows while its build waits, as it reads it. */
import { expect } from "chai";
import { loadBuildMessages, millisecondsOf, type BuildMessages, type Vertex } from "../buildkit/build-messages.js";
import { WaitingNotice } from "./waiting-notice.js";

const NOW_MS = 1_800_000_000_123;

describe("WaitingNotice", () => {
  let messages: BuildMessages;

  before(async () => {
    messages = await loadBuildMessages();
  });

  const read = (message: Buffer): Vertex => {
    const { logs, statuses, vertexes, warnings } = messages.statusResponse.decode(message);
    expect([vertexes.length, logs, statuses, warnings]).to.deep.equal([1, [], [], []]);
    const [vertex] = vertexes;
    if (vertex === undefined) throw new Error("there is a vertex");
    return vertex;
  };

  it("is one step that says how many are before it, and then which builder it is", () => {
    const notice = new WaitingNotice(messages, "ref", NOW_MS);
    const steps = [notice.waiting(2), notice.waiting(0), notice.placed("two", NOW_MS + 5_500)].map(read);
    expect(steps.map(({ name }) => name)).to.deep.equal([
      "memobuild: waiting for a builder, 2 ahead",
      "memobuild: waiting for a builder, 0 ahead",
      "memobuild: building on two",
    ]);
    expect(new Set(steps.map(({ digest }) => digest)).size).to.equal(1);
    expect(steps[0]?.digest).to.match(/^sha256:[0-9a-f]{64}$/);
    expect(steps.map(({ started }) => started && Math.round(millisecondsOf(started)))).to.deep.equal(
      steps.map(() => NOW_MS),
    );
    expect(steps.map(({ completed }) => completed && Math.round(millisecondsOf(completed)))).to.deep.equal([
      null,
      null,
      NOW_MS + 5_500,
    ]);
    expect(steps.every(({ cached, error, inputs }) => !cached && error === "" && inputs.length === 0)).to.equal(true);
  });

  it("is another step for another build", () => {
    const [one, two] = ["one", "two"].map((ref) => read(new WaitingNotice(messages, ref, NOW_MS).waiting(1)).digest);
    expect(one).not.to.equal(two);
  });

  it("tells the time as a daemon does, for the client to correct its clock by", () => {
    const notice = new WaitingNotice(messages, "ref", NOW_MS);
    expect(notice.metadata(NOW_MS)).to.deep.equal(["buildkit-current-timestamp", "2027-01-15T08:00:00.123Z"]);
  });
});
