/** One real builder of a farm, behind a network that can fail, on what could be a machine of its own. */
import { mkdir } from "node:fs/promises";
import { startBuildkitd, type Buildkitd } from "../support/buildkitd.js";
import { run, type Outcome } from "../support/command.js";
import { startTcpFaultProxy, type TcpFaultProxy } from "../support/tcp-fault-proxy.js";

/** With the daemon, all that runs in it ends, and its mounts go, as when a machine dies. */
const OWN_MACHINE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

export class TestBuilder {
  /** Between MemoBuild and the daemon. */
  readonly network: TcpFaultProxy;
  readonly #dir: string;
  #daemon: Buildkitd;

  private constructor(dir: string, daemon: Buildkitd, network: TcpFaultProxy) {
    this.#dir = dir;
    this.#daemon = daemon;
    this.network = network;
  }

  static async start(dir: string): Promise<TestBuilder> {
    await mkdir(dir);
    const daemon = await startDaemon(dir);
    return new TestBuilder(dir, daemon, await startTcpFaultProxy(daemon.address));
  }

  /** What MemoBuild knows it by. */
  get address(): string {
    return this.network.address;
  }

  log(): string {
    return this.#daemon.log();
  }

  /** At the daemon itself. */
  buildctl(...args: string[]): Promise<Outcome> {
    return run("buildctl", ["--addr", this.#daemon.address, ...args]);
  }

  async kill(): Promise<void> {
    process.kill(this.#daemon.pid, "SIGKILL");
    await this.#daemon.stop();
  }

  async shutDown(): Promise<void> {
    await this.#daemon.stop();
  }

  /** On the state that it left. */
  async startAgain(): Promise<void> {
    this.#daemon = await startDaemon(this.#dir);
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
    await this.network.close();
  }
}

const startDaemon = (dir: string): Promise<Buildkitd> => startBuildkitd(dir, undefined, {}, OWN_MACHINE);
