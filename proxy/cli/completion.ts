/** `memobuild completion`: scripts for shells, and the hidden command that they call. */
import { Argument, type Command, CommanderError } from "commander";
import { ConfigError } from "../config/config-error.js";
import type { ApiClient } from "../http/api-client.js";
import { BUILDS_LIMIT_DEFAULT } from "../http/desk-messages.js";
import { formatAge } from "./age.js";
import { identityText } from "./build-text.js";
import { daemonText, stateText } from "./builder-text.js";
import { type CommandContext, CommandError } from "./command-context.js";
import { type Candidate, complete } from "./complete.js";
import { COMPLETE_COMMAND, completionScript, type Shell, SHELLS } from "./completion-scripts.js";
import { parseHostFlag, type WithServer } from "./server-address.js";

/** The flags of `addServerOptions` among the words, by which MemoBuild is asked. */
function serverIn(words: readonly string[]): WithServer {
  const valueOf = (flag: string): string | undefined => {
    const index = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
    const word = words[index];
    return word === flag ? words[index + 1] : word?.slice(flag.length + 1);
  };
  const [dataDir, host] = [valueOf("--data-dir"), valueOf("--host")];
  return { ...(dataDir !== undefined && { dataDir }), ...(host !== undefined && { host: parseHostFlag(host) }) };
}

/** None where MemoBuild cannot be asked: a shell that completes is no place for errors. */
async function asked(
  words: readonly string[],
  { run }: CommandContext,
  ask: (api: ApiClient) => Promise<readonly Candidate[]>,
): Promise<readonly Candidate[]> {
  let candidates: readonly Candidate[] = [];
  try {
    await run(serverIn(words), async (api) => {
      candidates = await ask(api);
      return 0;
    });
  } catch (error) {
    if (![CommandError, ConfigError, CommanderError].some((expected) => error instanceof expected)) throw error;
  }
  return candidates;
}

async function latestBuilds({ builds }: ApiClient, nowMs: number): Promise<readonly Candidate[]> {
  const page = await builds.list({ limit: BUILDS_LIMIT_DEFAULT });
  return page.builds.map((build) => ({
    text: build.ref,
    help: `${identityText(build)}, ${build.outcome}, ${formatAge(nowMs - build.startedAtMs)}`,
  }));
}

async function allBuilders({ builders }: ApiClient): Promise<readonly Candidate[]> {
  const report = await builders.report();
  return report.builders.map((builder) => ({
    text: builder.name,
    help: `${stateText(builder)}, ${daemonText(builder)}`,
  }));
}

export function addCompletion(program: Command, context: CommandContext): void {
  const { stdout } = context.io;
  program
    .command("completion")
    .description("print a script that completes command lines of memobuild")
    .addArgument(new Argument("<shell>", "the shell to print it for").choices(SHELLS))
    .addHelpText(
      "after",
      `
bash: put into ~/.bashrc: source <(memobuild completion bash)
zsh:  put into ~/.zshrc, behind compinit: source <(memobuild completion zsh)
fish: memobuild completion fish > ~/.config/fish/completions/memobuild.fish
`,
    )
    .action((shell: Shell) => void stdout.write(completionScript(shell)));
  program
    .command(COMPLETE_COMMAND, { hidden: true })
    .argument("[words...]")
    .action(async (words: readonly string[]) => {
      const candidates = await complete(words, {
        program,
        builds: (typed) => asked(typed, context, (api) => latestBuilds(api, context.io.now())),
        builders: (typed) => asked(typed, context, allBuilders),
      });
      for (const { text, help } of candidates) stdout.write(`${text}\t${help}\n`);
    });
}
