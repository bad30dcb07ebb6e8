/**
 * The `window.ddClient` that Docker Desktop gives its extensions, as far as one can have it without: calls go to the
 * real socket of the API and to the real buildx, and come back in the shapes that hosts are known to answer in.
 */
import { request } from "node:http";
import type { Page } from "playwright-core";
import type { Buildx } from "../support/buildx.js";

/** `body`: the parsed JSON; `text`: its text; `wrapped`: beside a status, as text. */
export const BRIDGE_SHAPES = ["body", "text", "wrapped"] as const;
export type BridgeShape = (typeof BRIDGE_SHAPES)[number];

export interface BridgeOptions {
  readonly socketPath: string;
  readonly shape: BridgeShape;
  readonly buildx?: Buildx;
}

export interface Bridge {
  /** What `docker.cli.exec` was asked to run, a program's arguments each. */
  readonly commands: readonly (readonly string[])[];
  /** Addresses that were opened in the user's browser. */
  readonly opened: readonly string[];
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function ask(socketPath: string, method: string, path: string, body: string | undefined): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request({ socketPath, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Runs in the page. */
function installClient(shape: BridgeShape): void {
  const bridge = globalThis as unknown as {
    bridgeAsk(method: string, path: string, body: string | undefined): Promise<Reply>;
    bridgeRun(args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
    bridgeOpen(url: string): Promise<void>;
    ddClient: unknown;
  };
  const send = async (method: string, path: string, data?: unknown): Promise<unknown> => {
    const body = data === undefined ? undefined : JSON.stringify(data);
    const { status, text } = await bridge.bridgeAsk(method, path, body);
    // Not an Error, and the API's own words only as a text: so do hosts reject.
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- see above
    if (status >= 400) throw { name: "HttpError", message: text, statusCode: status };
    if (shape === "body") return JSON.parse(text) as unknown;
    return shape === "text" ? text : { status, headers: {}, data: text };
  };
  const exec = async (command: string, args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await bridge.bridgeRun([command, ...args]);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- as hosts do
    if (code !== 0) throw { code, stdout, stderr };
    return { code, stdout, stderr };
  };
  const service = {
    get: (path: string) => send("GET", path),
    post: (path: string, data: unknown) => send("POST", path, data),
    delete: (path: string) => send("DELETE", path),
  };
  bridge.ddClient = {
    extension: { vm: { service } },
    docker: { cli: { exec } },
    host: { openExternal: (url: string) => void bridge.bridgeOpen(url) },
  };
}

/** For `openPage`: gives the page its client before its scripts run. */
export async function bridgeDesktop(page: Page, { buildx, shape, socketPath }: BridgeOptions): Promise<Bridge> {
  const commands: string[][] = [];
  const opened: string[] = [];
  await page.exposeFunction("bridgeAsk", (method: string, path: string, body: string | null | undefined) =>
    ask(socketPath, method, path, body ?? undefined),
  );
  await page.exposeFunction("bridgeRun", async (args: string[]) => {
    commands.push(args);
    const [command, ...rest] = args;
    if (command !== "buildx" || buildx === undefined)
      return { code: 1, stdout: "", stderr: `unknown: ${args.join(" ")}` };
    const { code, stdout, stderr } = await buildx.run(rest);
    return { code, stdout: stdout.toString(), stderr };
  });
  await page.exposeFunction("bridgeOpen", (url: string) => {
    opened.push(url);
  });
  await page.addInitScript(installClient, shape);
  return { commands, opened };
}
