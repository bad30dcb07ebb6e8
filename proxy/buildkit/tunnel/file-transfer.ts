/** What is known of one transfer of files from the client to a builder: a build context, or the Dockerfile. */

export interface TransferredFile {
  /** As the client sent it: relative, with slashes. */
  readonly path: string;
  /** Bits of Go's `os.FileMode`, as on the wire. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Since the epoch, with fraction. */
  readonly modifiedAtMs: number;
  /** Target of a symbolic or hard link; "" where it is none. */
  readonly linkname: string;
  /** Whether the builder asked for the bytes; it does not where it has them from an earlier build. */
  readonly wasRequested: boolean;
  /** Keyed hash of the bytes, where as many as `sizeBytes` were seen and the limits allowed it. */
  readonly contentHash?: string;
}

export interface FileTransfer {
  /** Name of the client's directory: "context", "dockerfile", or that of a named context. */
  readonly name: string;
  readonly includePatterns: readonly string[];
  readonly excludePatterns: readonly string[];
  readonly followPaths: readonly string[];
  /** In the order of the client's list. */
  readonly files: readonly TransferredFile[];
  /** False where the list was cut by a limit, or the transfer broke off. */
  readonly isComplete: boolean;
  /** Bytes of files that the client sent. */
  readonly sentBytes: number;
}
