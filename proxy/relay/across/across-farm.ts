/** Which calls all builders of a farm answer together. */
import { CONTENT, CONTROL, LIST_WORKERS_PATH } from "../../buildkit/methods.js";
import type { HistoryMessages } from "../../buildkit/history-messages.js";
import { builderInfo } from "./builder-info.js";
import { contentList } from "./content-list.js";
import { diskUsage } from "./disk-usage.js";
import type { FarmCall } from "./farm-call.js";
import { listenBuildHistory } from "./history.js";
import { listWorkers } from "./list-workers.js";
import { prune } from "./prune.js";
import { updateBuildHistory } from "./update-history.js";
import type { WhereIs } from "./where-is.js";

export interface AcrossFarmDeps {
  readonly whereIs: WhereIs;
  readonly messages: HistoryMessages;
}

/** Finds the farm's answer to the calls of a path; undefined where one builder answers alone. */
export function acrossFarm({ whereIs, messages }: AcrossFarmDeps): (path: string) => FarmCall | undefined {
  const onEvent: Parameters<typeof listenBuildHistory>[0]["onEvent"] = (event, builder) => {
    whereIs.noteHistory(event, builder.address);
  };
  const calls: ReadonlyMap<string, FarmCall> = new Map([
    [LIST_WORKERS_PATH, listWorkers],
    [CONTROL.info, builderInfo],
    [CONTROL.diskUsage, diskUsage],
    [CONTROL.prune, prune],
    [CONTROL.listenBuildHistory, listenBuildHistory({ messages, onEvent })],
    [CONTROL.updateBuildHistory, updateBuildHistory(whereIs)],
    [CONTENT.list, contentList],
  ]);
  return (path) => calls.get(path);
}
