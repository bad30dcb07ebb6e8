/** Finds the builder that has a build or a blob: by what passed here, by our record of builds, or by asking them all. */
import { LRUCache } from "lru-cache";
import type { HistoryEvent, HistoryMessages, HistoryRequest } from "../../buildkit/history-messages.js";
import { CONTENT, CONTROL } from "../../buildkit/methods.js";
import { contentInfoRequest } from "../../buildkit/request-subject.js";
import { withDeadline } from "../../farm/deadline.js";
import type { FarmBuilder } from "../../farm/farm-builder.js";
import { withBuilderClient } from "../../farm/with-builder-client.js";
import type { GrpcClient } from "../../grpc/grpc-client.js";

const REFS_MAX = 20_000;
const DIGESTS_MAX = 50_000;
const ASK_TIMEOUT_MS = 3_000;
/** What a filter takes without quotes; buildx makes no others. */
const PLAIN_REF = /^[0-9A-Za-z]+$/;

export interface WhereIsDeps {
  readonly messages: HistoryMessages;
  /** Address of the builder that a build ran on, by our own record. */
  readonly recorded: (ref: string) => Promise<string | undefined>;
}

/** Whether a builder has what is looked for. @throws Error, GrpcError */
type Has = (client: GrpcClient, signal: AbortSignal) => Promise<boolean>;

export class WhereIs {
  readonly #deps: WhereIsDeps;
  /** To addresses. */
  readonly #refs = new LRUCache<string, string>({ max: REFS_MAX });
  readonly #digests = new LRUCache<string, string>({ max: DIGESTS_MAX });

  constructor(deps: WhereIsDeps) {
    this.#deps = deps;
  }

  /** A build was given to the builder with this address. */
  noteRef(ref: string, address: string): void {
    this.#refs.set(ref, address);
  }

  /** An event of a builder's history, as its bytes or as read from them. */
  noteHistory(event: Buffer | HistoryEvent, address: string): void {
    const { ref, digests } = Buffer.isBuffer(event) ? this.#deps.messages.readEvent(event) : event;
    if (ref !== "") this.#refs.set(ref, address);
    for (const digest of digests) this.#digests.set(digest, address);
  }

  /** The one of `builders` that has this build; undefined where none does, or none says so in time. Never rejects. */
  async ref(ref: string, builders: readonly FarmBuilder[], signal: AbortSignal): Promise<FarmBuilder | undefined> {
    const noted = byAddress(builders, this.#refs.get(ref));
    if (noted !== undefined) return noted;
    const recorded = await this.#deps.recorded(ref).catch(() => undefined); // then the builders know
    const found = byAddress(builders, recorded) ?? (await firstWith(builders, signal, this.#hasRef(ref)));
    if (found !== undefined) this.#refs.set(ref, found.address);
    return found;
  }

  /** As `ref`, for a blob of the content store. */
  async digest(
    digest: string,
    builders: readonly FarmBuilder[],
    signal: AbortSignal,
  ): Promise<FarmBuilder | undefined> {
    const noted = byAddress(builders, this.#digests.get(digest));
    if (noted !== undefined) return noted;
    const found = await firstWith(builders, signal, hasDigest(digest));
    if (found !== undefined) this.#digests.set(digest, found.address);
    return found;
  }

  #hasRef(ref: string): Has {
    const { messages } = this.#deps;
    // By filter where possible: a build that was asked for by its ref is not deleted until the daemon starts again
    // (buildkit v0.32.2, solver/llbsolver/history/buildhistory.go, delete).
    const query: Partial<HistoryRequest> = PLAIN_REF.test(ref) ? { filter: [`ref==${ref}`] } : { ref };
    const request = messages.request.encode({ ...query, earlyExit: true });
    return async (client, signal) => {
      let isThere = false;
      // Builds that run are told whatever the filter says.
      await client.serverStream(CONTROL.listenBuildHistory, request, { signal }, (event) => {
        isThere ||= messages.readEvent(event).ref === ref;
      });
      return isThere;
    };
  }
}

function hasDigest(digest: string): Has {
  const request = contentInfoRequest(digest);
  return async (client, signal) => {
    await client.unary(CONTENT.info, request, { signal }); // else NOT_FOUND
    return true;
  };
}

const byAddress = (builders: readonly FarmBuilder[], address: string | undefined): FarmBuilder | undefined =>
  builders.find((builder) => builder.address === address);

/** The first that answers that it has it; the others are cancelled then. */
async function firstWith(
  builders: readonly FarmBuilder[],
  signal: AbortSignal,
  has: Has,
): Promise<FarmBuilder | undefined> {
  const found = new AbortController();
  const ask = async (builder: FarmBuilder): Promise<FarmBuilder> => {
    const isThere = await withDeadline(found.signal, ASK_TIMEOUT_MS, "too late", (limited) =>
      withBuilderClient(builder, limited, (client) => has(client, limited)),
    );
    if (!isThere) throw new Error("not there");
    return builder;
  };
  const abandon = (): void => {
    found.abort();
  };
  signal.addEventListener("abort", abandon, { once: true });
  try {
    if (signal.aborted) return undefined;
    return await Promise.any(builders.map(ask));
  } catch {
    return undefined; // none has it, or could say so
  } finally {
    signal.removeEventListener("abort", abandon);
    found.abort();
  }
}
