/** What the commands of one page of the documentation find: MemoBuild, buildx behind `docker buildx`, a small project. */
import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUSYBOX, ROOT, run, start, type CommandOptions, type Running } from "../support/command.js";
import { freePort } from "../support/free-port.js";
import { memoBuildCommand } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";
import { makeBaseImage } from "./base-image.js";
import type { DocBlock } from "./doc-page.js";

const BLOCK_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 45_000;
/** The ports that the documentation names. */
const PORTS = ["8372", "8373", "8374", "5000"] as const;
const PROJECT = {
  Dockerfile:
    'FROM alpine\nCOPY src /src\nRUN sha256sum /src/* > /sums\nARG GREETING=hello\nRUN echo "$GREETING" > /greeting\n',
  "src/main.c": "int main(void) { return 0; }\n",
};
const BUILDS_GIVEN = 3;

const script = (...lines: readonly string[]): string => `${["#!/bin/sh", ...lines].join("\n")}\n`;
const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

async function makePrograms(dir: string, base: string): Promise<void> {
  const [command, args] = memoBuildCommand([]);
  const programs = {
    memobuild: script(`exec ${quoted([command, ...args])} "$@"`),
    docker: script(
      `[ "$1" = buildx ] || { echo "docker $1 is not here" >&2; exit 1; }`,
      "shift",
      `[ "$1" = build ] || exec buildx "$@"`,
      "shift",
      `exec buildx build --build-context 'alpine=${base}' "$@"`,
    ),
  };
  await mkdir(dir);
  for (const [name, text] of Object.entries(programs)) await writeFile(join(dir, name), text, { mode: 0o755 });
}

/** What a checkout has that the documentation builds. */
async function makeWork(dir: string): Promise<void> {
  await writeFiles(dir, PROJECT);
  await cp(join(ROOT, "examples"), join(dir, "examples"), { recursive: true });
  await mkdir(join(dir, ".tools/bin"), { recursive: true });
  await copyFile(BUSYBOX, join(dir, ".tools/bin/busybox"));
}

export class DocWorld {
  readonly #dir: string;
  readonly #ports: ReadonlyMap<string, number>;
  #server: Running | undefined;

  private constructor(dir: string, ports: ReadonlyMap<string, number>) {
    this.#dir = dir;
    this.#ports = ports;
  }

  static async start(): Promise<DocWorld> {
    const dir = await makeTempDir("d");
    await makePrograms(join(dir, "bin"), await makeBaseImage(join(dir, "base")));
    await makeWork(join(dir, "work"));
    await mkdir(join(dir, "home"));
    const ports = new Map<string, number>();
    for (const port of PORTS) ports.set(port, await freePort());
    return new DocWorld(dir, ports);
  }

  /** What a page takes as given: `server`: MemoBuild runs, and buildx knows it; `builds`: so it does, and has built. */
  async give(what: string): Promise<void> {
    if (what !== "server" && what !== "builds") throw new Error(`nobody knows what "given: ${what}" is`);
    await this.#serve("memobuild serve");
    await this.#shell("docker buildx create --name memobuild --driver remote tcp://127.0.0.1:8372");
    if (what === "server") return;
    for (let count = 1; count <= BUILDS_GIVEN; count += 1)
      await this.#shell(`echo ${count} > src/count && docker buildx build --builder memobuild .`);
    await this.#shell(`until memobuild cache ls --format json | grep '"id": ${BUILDS_GIVEN}'; do sleep 0.2; done`);
  }

  /** @throws Error with what the block printed, and its commands up to the one that failed */
  async use({ mark, text }: DocBlock): Promise<void> {
    if (mark?.kind === "file") await writeFiles(join(this.#dir, "work"), { [mark.value]: this.#withPorts(text) });
    if (mark?.kind !== "run") return;
    if (mark.value === "server") await this.#serve(text);
    else if (mark.value === "shell") await this.#shell(text);
    else await this.#untilStopped(text);
  }

  async close(): Promise<void> {
    try {
      await this.#stopServer();
    } finally {
      await removeDir(this.#dir);
    }
  }

  #withPorts(text: string): string {
    const withPort = (all: string, host: string, port: string): string => `${host}:${this.#ports.get(port) ?? all}`;
    return text.replaceAll(new RegExp(`\\b(127\\.0\\.0\\.1|localhost):(${PORTS.join("|")})\\b`, "g"), withPort);
  }

  #options(): CommandOptions {
    const home = join(this.#dir, "home");
    const [listen, http] = ["tcp://127.0.0.1:8372", "127.0.0.1:8373"].map((text) => this.#withPorts(text));
    return {
      cwd: join(this.#dir, "work"),
      timeoutMs: BLOCK_TIMEOUT_MS,
      env: {
        ...{
          HOME: home,
          XDG_STATE_HOME: "",
          DOCKER_CONFIG: join(home, ".docker"),
          BUILDX_CONFIG: join(home, "buildx"),
        },
        ...{ DOCKER_HOST: "unix:///nowhere/docker.sock", BUILDKIT_PROGRESS: "plain", NO_COLOR: "1" },
        BASH_ENV: "",
        PATH: `${join(this.#dir, "bin")}:${join(ROOT, ".tools/bin")}:${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`,
        MEMOBUILD_LISTEN: `unix://${join(home, ".local/state/memobuild/memobuild.sock")} ${listen ?? ""}`,
        MEMOBUILD_HTTP: http ?? "",
      },
    };
  }

  async #shell(text: string): Promise<void> {
    const { code, stdout, stderr } = await run(
      "bash",
      ["-euxo", "pipefail", "-c", this.#withPorts(text)],
      this.#options(),
    );
    if (code !== 0) throw new Error(`ended with ${code}:\n${stderr}${stdout.toString()}`);
  }

  async #serve(text: string): Promise<void> {
    await this.#stopServer();
    const server = start("bash", ["-euc", this.#withPorts(text)], this.#options());
    this.#server = server;
    const died = server.exited.then(({ code }) => {
      throw new Error(`ended with ${code}:\n${server.output()}`);
    });
    const readyz = this.#withPorts("http://127.0.0.1:8373/readyz");
    const isReady = async (): Promise<boolean> => (await fetch(readyz).catch(() => undefined))?.ok === true;
    await Promise.race([
      died,
      poll(isReady, Boolean, { what: "MemoBuild is ready", timeoutMs: 30_000, intervalMs: 100 }),
    ]);
    died.catch(() => undefined);
  }

  async #untilStopped(text: string): Promise<void> {
    const running = start("bash", ["-euc", this.#withPorts(text)], this.#options());
    try {
      const output = (): string => running.output();
      await poll(output, (seen) => seen !== "", { what: `"${text.trim()}" prints something` });
    } finally {
      await running.stop();
    }
  }

  async #stopServer(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const { code, stderr } = await server.stop(STOP_TIMEOUT_MS);
    if (![0, 143].includes(code)) throw new Error(`MemoBuild ended with ${code}:\n${stderr}`);
  }
}
