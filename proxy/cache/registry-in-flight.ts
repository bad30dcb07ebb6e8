/** Uploads that are announced or under way, by digest: whoever has the same blob waits instead of sending it too. */
import type { Digest } from "./digest.js";

/** From the HEAD that found nothing to the upload that it announces. */
const BEGIN_TIMEOUT_MS = 3000;
/** Others wait no longer for an upload that stands still; it may go on without them. */
const IDLE_TIMEOUT_MS = 30_000;

/** Ends on its own when it does not begin or does not move, so that no wait for it lasts for ever. */
export class UploadInFlight {
  readonly owner: object;
  /** Whether it was stored. */
  readonly ended: Promise<boolean>;
  readonly end: (isStored: boolean) => void;
  #timer: NodeJS.Timeout;
  #isRunning = false;
  #isEnded = false;

  /** @param forget called once, when it ends */
  constructor(owner: object, forget: () => void) {
    this.owner = owner;
    let settle: (isStored: boolean) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      settle = resolve;
    });
    this.end = (isStored) => {
      this.#isEnded = true;
      clearTimeout(this.#timer);
      forget();
      settle(isStored);
    };
    this.#timer = this.#endIn(BEGIN_TIMEOUT_MS);
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  begin(): void {
    this.#isRunning = true;
    clearTimeout(this.#timer);
    this.#timer = this.#endIn(IDLE_TIMEOUT_MS);
  }

  /** Bytes came in. */
  progress(): void {
    // A timer that was cleared would start again.
    if (!this.#isEnded) this.#timer.refresh();
  }

  #endIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.end(false);
    }, ms).unref();
  }
}

export class UploadsInFlight {
  readonly #byDigest = new Map<Digest, UploadInFlight>();

  find(digest: Digest): UploadInFlight | undefined {
    return this.#byDigest.get(digest);
  }

  /** The owner was told that the blob is not there, and will send it. */
  announce(digest: Digest, owner: object): UploadInFlight {
    const upload = new UploadInFlight(owner, () => {
      if (this.#byDigest.get(digest) === upload) this.#byDigest.delete(digest);
    });
    this.#byDigest.set(digest, upload);
    return upload;
  }

  /** The blob is being sent now, whoever announced it. Only where none is running. */
  begin(digest: Digest, owner: object): UploadInFlight {
    const upload = this.#byDigest.get(digest) ?? this.announce(digest, owner);
    upload.begin();
    return upload;
  }

  /** What the owner announced will not come. */
  disown(owner: object): void {
    for (const upload of [...this.#byDigest.values()]) {
      if (upload.owner === owner && !upload.isRunning) upload.end(false);
    }
  }
}
