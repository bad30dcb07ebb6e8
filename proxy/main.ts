/** The process edge: arguments, environment, signals and exit code. */
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { runCli } from "./cli/run-cli.js";
import { configOf, type Configured } from "./config/load-config.js";

// A reader of our output that went away (EPIPE) must not end the builds.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `make tools` puts its programs there; an installed package has no such folder. */
const TOOLS_DIR = fileURLToPath(new URL("../.tools/bin", import.meta.url));

/** Runs until a signal: the first lets running builds end, a second ends at once. */
async function serve(configured: Configured): Promise<number> {
  // The other commands answer in half the time without them.
  const [{ App }, { createLogger }] = await Promise.all([import("./app.js"), import("./log/create-logger.js")]);
  const { logFormat, logLevel } = configOf(configured);
  const logger = createLogger({ level: logLevel, format: logFormat, stream: process.stderr });
  const app = new App(configured, {
    logger,
    searchPath: [...(process.env["PATH"] ?? "").split(delimiter), TOOLS_DIR],
    env: process.env,
  });
  const hurry = new AbortController();
  const hurried = new Promise((resolve) => {
    hurry.signal.addEventListener("abort", resolve, { once: true });
  });
  let drainTimer: NodeJS.Timeout | undefined;
  const stopping = new Promise((resolve) => {
    onSignal((name) => {
      if (drainTimer !== undefined) {
        // A terminal that goes away may say so twice: by the kernel and by its shell.
        if (name !== "SIGHUP") hurry.abort();
        return;
      }
      const timeoutMs = app.drainTimeoutMs;
      logger.info({ signal: name, timeoutMs }, "draining");
      drainTimer = setTimeout(() => {
        hurry.abort();
      }, timeoutMs);
      resolve(name);
    });
  });
  try {
    await Promise.race([app.start(), hurried]).catch(async (error: unknown) => {
      hurry.abort();
      await app.close(hurry.signal);
      throw error;
    });
    await stopping;
    await app.close(hurry.signal);
  } finally {
    clearTimeout(drainTimer);
  }
  logger.info("stopped");
  // A connection that was cut off may linger, and with it this process.
  if (hurry.signal.aborted) process.exit(1);
  return 0;
}

function onSignal(listener: (name: (typeof SIGNALS)[number]) => void): void {
  for (const name of SIGNALS) {
    process.on(name, () => {
      listener(name);
    });
  }
}

/** Ctrl-C once: the command ends what it began elsewhere. A second one ends the process. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  process.once("SIGINT", () => {
    interrupted.abort();
  });
  return interrupted.signal;
}

process.exitCode = await runCli(
  process.argv.slice(2),
  process.env,
  {
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: process.cwd(),
    readFile: (path) => readFileSync(path, "utf8"),
    stdin: process.stdin,
    now: Date.now,
    interruption,
  },
  serve,
);
