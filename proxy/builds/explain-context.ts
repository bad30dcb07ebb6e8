/** What is known besides the record itself when a build is explained. */
import type { BuildRecord, FileList } from "./build-record.js";
import type { ExportHistory, StepHistory } from "./history.js";

export interface ExplainContext {
  /** The build to compare with. */
  readonly baseline?: BuildRecord | undefined;
  /** By name of the folder, of the baseline and of the build itself. */
  readonly baselineFiles: ReadonlyMap<string, FileList>;
  readonly currentFiles: ReadonlyMap<string, FileList>;
  /** Of earlier builds, by key. */
  readonly stepHistory: ReadonlyMap<string, StepHistory>;
  /** Of builds that had the steps that ran. */
  readonly exports: readonly ExportHistory[];
  /** Keys of steps that the import of the shared cache had. */
  readonly importedKeys: ReadonlySet<string>;
  /** Digests of layers that the builder fetched from the shared cache while the build ran. */
  readonly fetchedLayers: ReadonlySet<string>;
  /** The client named caches of its own. */
  readonly hasOwnImports: boolean;
}
