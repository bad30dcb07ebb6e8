/** What the documentation says of commands and flags is told true from false. */
import { expect } from "chai";
import { allFlags, createCommands, memobuildCommands, problemIn } from "./named-commands.js";

describe("memobuildCommands", () => {
  it("finds command lines wherever a shell would", () => {
    const text = [
      "memobuild status  # how it is",
      "A=b sudo memobuild serve \\",
      "  --cache off | cat && memobuild top --once",
      "source <(memobuild completion bash)",
      "docker compose -f x.yaml exec memobuild memobuild cache du",
    ].join("\n");
    expect(memobuildCommands(text)).to.deep.equal([
      ["status"],
      ["serve", "--cache", "off"],
      ["top", "--once"],
      ["completion", "bash"],
      ["cache", "du"],
    ]);
  });

  it("takes no argument of another program for one", () => {
    expect(memobuildCommands("docker buildx create --name memobuild --driver remote\n# memobuild nope")).to.deep.equal(
      [],
    );
  });
});

describe("problemIn", () => {
  const program = createCommands();
  const problem = (line: string) => problemIn(program, line.split(" "));

  it("accepts what there is", () => {
    for (const line of [
      "builds ls --since 7d --format=json",
      "cache prune -f",
      "serve --listen tcp://x:1 --help",
      "-V",
    ])
      expect(problem(line), line).to.equal(undefined);
  });

  it("names a command or flag that does not exist", () => {
    expect(problem("build ls")).to.equal('"memobuild" has no command build');
    expect(problem("cache lst")).to.equal('"cache" has no command lst');
    expect(problem("cache ls --dry-run")).to.equal('"ls" has no option --dry-run');
    expect(problem("serve --cach off")).to.equal('"serve" has no option --cach');
  });
});

describe("allFlags", () => {
  it("has those of all commands", () => {
    expect([...allFlags(createCommands())]).to.include.members(["--cache-max-bytes", "--dry-run", "-f", "--once"]);
  });
});
