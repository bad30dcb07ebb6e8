/** What a builder lacks against a stock BuildKit: that of a Docker Engine depends on its age and on where it keeps images. */
import type { Workers } from "../buildkit/workers.js";
import { isOlderVersion } from "./builder-version.js";

export interface BuilderAbilities {
  /** Else every build that is to export cache fails. */
  readonly canExportCache: boolean;
  /** Of the form that the shared cache has; else it is read for nothing. */
  readonly canImportCache: boolean;
  /** What it lacks, and what follows for builds: sentences for people. */
  readonly limitations: readonly string[];
}

/** An engine has it with the containerd image store only; buildx tells them apart by it too. */
const SNAPSHOTTER_LABEL = "org.mobyproject.buildkit.worker.snapshotter";
/** The first to find cache in an image manifest rather than an index. */
const READS_MANIFESTS_VERSION = "v0.12.0";

const NO_IMAGE_STORE = "the Docker Engine keeps its images without containerd's image store";
const FAILING_OUTPUTS =
  `${NO_IMAGE_STORE}: builds there fail with --push, --load and outputs of type image, docker or oci; ` +
  "local and tar work, and so do builds without an output";
const NO_EXPORT = `${NO_IMAGE_STORE}, and cannot export cache: builds there add nothing to the shared cache`;
const NO_IMPORT =
  `the Docker Engine's BuildKit is older than ${READS_MANIFESTS_VERSION}, and cannot read the shared cache: ` +
  "builds there take nothing from it";

/** @param workers of the daemon that is there; undefined before it was up: then as little as there may be */
export function abilitiesOf(isEngine: boolean, workers: Workers | undefined): BuilderAbilities {
  if (!isEngine) return { canExportCache: true, canImportCache: true, limitations: [] };
  if (workers === undefined) return { canExportCache: false, canImportCache: false, limitations: [] };
  const hasImageStore = SNAPSHOTTER_LABEL in workers.labels;
  // The oldest do not even tell their version.
  const canImportCache = isOlderVersion(workers.version, READS_MANIFESTS_VERSION) === false;
  return {
    canExportCache: hasImageStore,
    canImportCache,
    limitations: [...(hasImageStore ? [] : [FAILING_OUTPUTS, NO_EXPORT]), ...(canImportCache ? [] : [NO_IMPORT])],
  };
}
