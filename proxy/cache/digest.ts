/** An OCI digest, as the OCI image specification writes it; only sha256, which is all that BuildKit makes. */
import { createHash, type Hash } from "node:crypto";

declare const brand: unique symbol;
/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [brand]: "Digest" };

const isDigest = (text: string): text is Digest => /^sha256:[0-9a-f]{64}$/.test(text);

export function parseDigest(text: string): Digest | undefined {
  return isDigest(text) ? text : undefined;
}

/** Of what the hash, a sha256, has taken up. */
export const digestOf = (hash: Hash): Digest => `sha256:${hash.digest("hex")}` as Digest;

export const sha256Digest = (bytes: Uint8Array): Digest => digestOf(createHash("sha256").update(bytes));
