/** A BuilderDesk over a few builders in memory, whose builds a test begins and ends. */
import { EventEmitter, once } from "node:events";
import {
  type BuilderDesk,
  type BuilderDetails,
  BuilderError,
  type BuilderReport,
  type FarmReport,
  type RemoveOptions,
  type ResourceUsage,
  type UsageHistory,
} from "../../farm/builder-desk.js";
import { builderReport } from "../../http/builder-messages.js";

export const SAMPLE_SINCE_MS = 1_800_000_000_000;

/** @param report has a name, which is the address too where there is none */
export const sampleBuilderReport = (report: Partial<BuilderReport> & Pick<BuilderReport, "name">): BuilderReport => ({
  address: report.name,
  origin: "configured",
  state: "up",
  sinceMs: SAMPLE_SINCE_MS,
  isDraining: false,
  version: "v0.32.2",
  platforms: ["linux/amd64", "linux/386"],
  runningBuilds: 0,
  clients: 0,
  usage: { sampledAtMs: SAMPLE_SINCE_MS },
  warnings: [],
  ...report,
});

/** Without the details. */
const reportOf = (details: BuilderDetails): BuilderReport => builderReport.parse(details);

export class MemoryBuilderDesk implements BuilderDesk {
  waitingBuilds = 0;
  memobuild: ResourceUsage = { sampledAtMs: SAMPLE_SINCE_MS };
  history: UsageHistory = { stepMs: 30_000, series: [], load: [] };
  readonly #builders = new Map<string, BuilderDetails>();
  readonly #changes = new EventEmitter();

  /** Adds the builder, or what became of it. */
  put(builder: Partial<BuilderDetails> & Pick<BuilderDetails, "name">): BuilderDetails {
    const known = this.#builders.get(builder.name);
    const details = known ?? {
      ...sampleBuilderReport(builder),
      workerId: "w1",
      labels: {},
      limitations: [],
      projects: [],
    };
    const changed = { ...details, ...builder };
    this.#builders.set(changed.name, changed);
    this.#changes.emit("change");
    return changed;
  }

  names(): readonly string[] {
    return [...this.#builders.keys()];
  }

  report(): Promise<FarmReport> {
    const builders = [...this.#builders.values()].map(reportOf);
    return Promise.resolve({ builders, waitingBuilds: this.waitingBuilds, memobuild: this.memobuild });
  }

  usageHistory(): Promise<UsageHistory> {
    return Promise.resolve(this.history);
  }

  inspect(name: string): Promise<BuilderDetails> {
    const found = [...this.#builders.values()].find((each) => each.name === name || each.address === name);
    return found === undefined
      ? Promise.reject(new BuilderError("unknown", `there is no builder ${name}`))
      : Promise.resolve(found);
  }

  /** It does not answer yet. */
  add(address: string): Promise<BuilderReport> {
    if (!/^(unix|tcp|docker):\/\//.test(address)) {
      return Promise.reject(new BuilderError("bad_address", `"${address}" is no address of a builder`));
    }
    if (this.#builders.has(address)) {
      return Promise.reject(new BuilderError("exists", `there is a builder ${address} already`));
    }
    const added = { name: address, origin: "added", state: "unknown", version: "", platforms: [] } as const;
    return Promise.resolve(reportOf(this.put(added)));
  }

  async drain(name: string): Promise<BuilderReport> {
    return reportOf(this.put({ name: (await this.inspect(name)).name, isDraining: true }));
  }

  async undrain(name: string): Promise<BuilderReport> {
    return reportOf(this.put({ name: (await this.inspect(name)).name, isDraining: false }));
  }

  async remove(name: string, { isForced }: RemoveOptions, signal: AbortSignal): Promise<void> {
    const { name: own } = await this.inspect(name);
    if (this.#builders.size === 1) throw new BuilderError("last", `${own} is the last builder`);
    await this.drain(own);
    while (!isForced && (await this.inspect(own)).runningBuilds > 0) {
      await once(this.#changes, "change", { signal });
    }
    this.#builders.delete(own);
  }
}
