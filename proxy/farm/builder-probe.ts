/** What the farm asks each builder: for its workers, and for what its frontends can do. */
import type { BuildMessages } from "../buildkit/build-messages.js";
import { LIST_WORKERS_PATH, LLB_BRIDGE } from "../buildkit/methods.js";
import { OwnBuild } from "../buildkit/own-build.js";
import type { Workers } from "../buildkit/workers.js";
import type { BuilderProbe } from "./farm-member.js";
import { withBuilderClient } from "./with-builder-client.js";

const EMPTY_MESSAGE = new Uint8Array();

export const createBuilderProbe = (
  messages: BuildMessages,
  decodeWorkers: (message: Buffer) => Workers,
): BuilderProbe => ({
  listWorkers: (builder, signal) =>
    withBuilderClient(builder, signal, async (client) => {
      const message = await client.unary(LIST_WORKERS_PATH, EMPTY_MESSAGE, { signal });
      return { ...decodeWorkers(message), message };
    }),
  ping: (builder, signal) =>
    withBuilderClient(builder, signal, async (client) => {
      const build = new OwnBuild(client, messages, {}, signal);
      const pong = await build.call(LLB_BRIDGE.ping, EMPTY_MESSAGE);
      await build.return({});
      return pong;
    }),
});
