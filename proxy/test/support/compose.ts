/** Runs Docker's compose, and other programs, as somebody on the machine of an engine with a network of its own. */
import { join } from "node:path";
import { run, runOk, type CommandOptions, type Outcome } from "./command.js";
import type { Dockerd } from "./dockerd.js";

/** Containers are given some time to end by themselves. */
const COMPOSE_MS = 120_000;

/** Runs a program where the ports are that the engine publishes. */
export async function runBeside(
  engine: Dockerd,
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Outcome> {
  return run("nsenter", ["--target", String(engine.pid), "--net", command, ...args], options);
}

export interface ComposeProject {
  readonly name: string;
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export type Compose = (...args: readonly string[]) => Promise<string>;

/** @param home where it finds no configuration of whoever runs the tests. */
export function composeOf(engine: Dockerd, home: string, { name, files, env }: ComposeProject): Compose {
  const all = { HOME: home, DOCKER_CONFIG: join(home, "docker"), DOCKER_HOST: `unix://${engine.socket}`, ...env };
  const base = ["--project-name", name, ...files.flatMap((file) => ["--file", file]), "--ansi", "never"];
  return async (...args) => runOk("docker-compose", [...base, ...args], { env: all, timeoutMs: COMPOSE_MS });
}
