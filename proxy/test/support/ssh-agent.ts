/** Runs an ssh-agent that holds one fresh key. */
import { join } from "node:path";
import { runOk, start } from "./command.js";
import { poll } from "./poll.js";

export interface SshAgent {
  readonly socket: string;
  /** The line that `ssh-add -L` prints. */
  readonly publicKey: string;
  stop(): Promise<void>;
}

export async function startSshAgent(dir: string, comment: string): Promise<SshAgent> {
  const socket = join(dir, "agent.sock");
  const env = { SSH_AUTH_SOCK: socket };
  await runOk("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", join(dir, "key")]);
  const agent = start("ssh-agent", ["-D", "-a", socket]);
  await poll(() => agent.output().includes(socket), Boolean, { what: "ssh-agent names its socket" });
  await runOk("ssh-add", ["-q", join(dir, "key")], { env });
  return {
    socket,
    publicKey: (await runOk("ssh-add", ["-L"], { env })).trim(),
    stop: async () => {
      await agent.stop();
    },
  };
}
