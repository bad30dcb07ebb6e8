/** Finds out where the page runs: as a tab of Docker Desktop, or as a web page. */
import { createDockerDesktopClient } from "@docker/extension-api-client";
import type { v1 } from "@docker/extension-api-client-types";
import { createApiClient } from "../api/api-client.js";
import { desktopTransport } from "../api/desktop-transport.js";
import { httpTransport } from "../api/http-transport.js";
import { withTimeLimit } from "../api/time-limit.js";
import type { Desktop, Outside } from "../state/use-api.js";

/** What a command that failed printed, which hosts hand over in several shapes. */
export function outputOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (typeof thrown !== "object" || thrown === null) return String(thrown);
  const { stderr, stdout, message } = thrown as Readonly<Record<string, unknown>>;
  const text = [stderr, message, stdout].find((part) => typeof part === "string" && part.trim() !== "");
  return typeof text === "string" ? text.trim() : "the command failed";
}

const desktopOf = ({ docker, host }: v1.DockerDesktopClient): Desktop => ({
  async runDocker(command, args) {
    try {
      const { stdout, stderr } = await docker.cli.exec(command, [...args]);
      return stdout === "" ? stderr : stdout;
    } catch (error) {
      throw new Error(outputOf(error), { cause: error });
    }
  },
  openExternal: (url) => {
    host.openExternal(url);
  },
});

const hasDesktop = (): boolean => "ddClient" in window && Boolean(window.ddClient);

/** Not at import: a host that hands over its client late, or none, must not leave a blank page. */
export function createOutside(): Outside {
  if (!hasDesktop()) return { api: createApiClient(withTimeLimit(httpTransport)) };
  const client = createDockerDesktopClient();
  const { service } = client.extension.vm ?? {};
  return {
    api: createApiClient(withTimeLimit(service === undefined ? httpTransport : desktopTransport(service))),
    desktop: desktopOf(client),
  };
}
