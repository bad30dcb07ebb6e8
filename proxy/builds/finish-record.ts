/** The end of a record: names its files, compares it with an earlier build, says why steps ran, and keeps it. */
import { LRUCache } from "lru-cache";
import { assembleRecord, countSteps, hideSelected, isCacheable, type Descriptions } from "./assemble-record.js";
import type { BuildRecord, FileList, StepRecord, TransferRecord } from "./build-record.js";
import { collectFiles, withKnownContent, type CollectedFiles } from "./collect-files.js";
import { describeSteps } from "./describe-step.js";
import { explain, type ExplainContext } from "./explain.js";
import { builderKeyOf, type ExportHistory, type History, type StepHistory } from "./history.js";
import type { LiveBuild } from "./live-build.js";

/** Earlier builds that are looked at for one to compare with: those that ended too early tell nothing. */
const BASELINES_TRIED = 5;
/** Of the builds whose exports were imported, these are looked into for the steps that they had. */
const IMPORTED_BUILDS_MAX = 8;
/** Of larger builds, steps are described once, at the end: each takes some 0.1 ms. */
const LIVE_DESCRIBED_STEPS_MAX = 500;
/** Lists of files that are kept read, in files. */
const KNOWN_FILES_MAX = 200_000;

export type FinishRecord = (build: LiveBuild) => Promise<BuildRecord>;

export interface FinisherDeps {
  readonly history: History;
  /** Keyed: what it was made of cannot be guessed from it. */
  readonly hash: (text: string) => string;
}

export class RecordFinisher {
  readonly #deps: FinisherDeps;
  readonly #described = new WeakMap<LiveBuild, { readonly graphs: number; readonly found: Descriptions }>();
  /** The latest list of each folder of each client on each builder. */
  readonly #known = new LRUCache<string, FileList>({
    maxSize: KNOWN_FILES_MAX,
    sizeCalculation: (files) => files.length + 1,
  });

  constructor(deps: FinisherDeps) {
    this.#deps = deps;
  }

  /** What is known of the steps before the files are. */
  describe(build: LiveBuild): Descriptions {
    const steps = build.graphs.reduce((sum, graph) => sum + graph.steps.length, 0);
    // Nobody waits so urgently for a better name of a step that the process may stand still for it.
    if (steps > LIVE_DESCRIBED_STEPS_MAX) return new Map();
    const known = this.#described.get(build);
    if (known?.graphs === build.graphs.length) return known.found;
    const found = this.#describe(build, new Map());
    this.#described.set(build, { graphs: build.graphs.length, found });
    return found;
  }

  async finish(build: LiveBuild): Promise<BuildRecord> {
    const { history } = this.#deps;
    const folders = await this.#folders(build);
    const transfers: TransferRecord[] = [];
    for (const [name, { files, ...rest }] of folders) {
      transfers.push({ ...rest, name, fileList: await history.keepFileList(files), fileCount: files.length });
    }
    const complete = [...folders].filter(([, { isComplete }]) => isComplete);
    const lists = new Map(complete.map(([name, { files }]) => [name, files]));
    const record = assembleRecord(build, this.#describe(build, lists), transfers);
    const explained = hideSelected(await this.#explain(build, record, folders), build);
    await history.finish(explained);
    return explained;
  }

  #describe(build: LiveBuild, fileLists: ReadonlyMap<string, FileList>): Descriptions {
    const { argumentValues, graphs } = build;
    const { hash } = this.#deps;
    return new Map(graphs.flatMap((graph) => [...describeSteps(graph, { argumentValues, hash, fileLists })]));
  }

  async #folders(build: LiveBuild): Promise<Map<string, CollectedFiles>> {
    const folders = collectFiles(build.transfers);
    for (const [name, folder] of folders) {
      const key = JSON.stringify([build.builder, build.sharedKey, build.identity.project, name]);
      const earlier = this.#known.get(key) ?? (await this.#latestList(build, name));
      const files = withKnownContent(folder.files, earlier ?? []);
      // What broke off tells nothing of the files that it lacks.
      if (folder.isComplete || earlier === undefined) this.#known.set(key, files);
      folders.set(name, { ...folder, files });
    }
    return folders;
  }

  async #latestList({ builder, identity }: LiveBuild, name: string): Promise<FileList | undefined> {
    const { history } = this.#deps;
    const transfer = await history.latestTransfer({ ...identity, builder }, name);
    return transfer === undefined ? undefined : history.fileList(transfer.fileList);
  }

  async #explain(
    build: LiveBuild,
    record: BuildRecord,
    folders: ReadonlyMap<string, CollectedFiles>,
  ): Promise<BuildRecord> {
    const { history } = this.#deps;
    const keys = [...new Set(record.steps.map(({ key }) => key).filter((key) => key !== ""))];
    const stepHistory = await history.stepHistory(keys, builderKeyOf(record));
    const baseline = await this.#baseline(record);
    const context: ExplainContext = {
      ...(baseline !== undefined && { baseline }),
      baselineFiles: baseline === undefined ? new Map<string, FileList>() : await this.#filesOf(baseline),
      currentFiles: new Map([...folders].map(([name, { files }]) => [name, files])),
      stepHistory,
      exports: await this.#exports(record, stepHistory),
      importedKeys: await this.#importedKeys(record),
      fetchedLayers: build.fetchedLayers,
      hasOwnImports: build.hasOwnImports,
    };
    const explained = explain(record, context);
    return { ...explained, counts: countSteps(explained.steps), savedMs: savedBy(explained, stepHistory) };
  }

  /** The latest earlier build of the same that got as far as to have steps that can be compared. */
  async #baseline(record: BuildRecord): Promise<BuildRecord | undefined> {
    const { history } = this.#deps;
    for (const ref of await history.alike(record, record.startedAtMs, BASELINES_TRIED)) {
      const earlier = ref === record.ref ? undefined : await history.build(ref);
      if (earlier?.steps.some(({ key }) => key !== "") === true) return earlier;
    }
    return undefined;
  }

  async #filesOf({ transfers }: BuildRecord): Promise<Map<string, FileList>> {
    const lists = new Map<string, FileList>();
    for (const { fileList, name } of transfers) {
      const files = await this.#deps.history.fileList(fileList);
      if (files !== undefined) lists.set(name, files);
    }
    return lists;
  }

  /** Of the builds in which steps last ran that ran again. */
  async #exports({ steps }: BuildRecord, known: ReadonlyMap<string, StepHistory>): Promise<readonly ExportHistory[]> {
    const refs = new Set<string>();
    for (const step of steps) {
      const run = didRun(step) ? known.get(step.key)?.run : undefined;
      if (run !== undefined) refs.add(run.ref);
    }
    return this.#deps.history.exportsOf([...refs]);
  }

  async #importedKeys({ import: { from } }: BuildRecord): Promise<Set<string>> {
    const keys = new Set<string>();
    for (const ref of from.slice(0, IMPORTED_BUILDS_MAX)) {
      for (const { key, result } of (await this.#deps.history.build(ref))?.steps ?? [])
        if (key !== "" && (result === "ran" || result === "cached")) keys.add(key);
    }
    return keys;
  }
}

const didRun = ({ result }: StepRecord): boolean => result === "ran" || result === "failed";

/** Of the steps that were reused, as far as they were ever seen to run. */
function savedBy({ steps }: BuildRecord, known: ReadonlyMap<string, StepHistory>): number {
  const reused = steps.filter((step) => isCacheable(step) && step.result === "cached");
  return reused.reduce((sum, { key }) => sum + (known.get(key)?.run?.durationMs ?? 0), 0);
}
