/** What blob stores on files and on objects have in common. */
import { createHash } from "node:crypto";
import { BlobAlteredError, InvalidArgumentError } from "../../domain/errors.ts";
import type { ByteRange } from "../../ports/blob-store.ts";

/** Owners and digests become paths: nothing that could lead elsewhere. */
const OWNER = /^[a-z0-9][a-z0-9_-]*\/[a-z0-9][a-z0-9_-]*$/i;
const DIGEST = /^[0-9a-f]{64}$/;
const EVERYTHING: ByteRange = { from: 0, to: Number.POSITIVE_INFINITY };

export function checkOwner(owner: string): string {
  if (!OWNER.test(owner)) throw new InvalidArgumentError("owner of a blob", "<namespace>/<work id>", owner);
  return owner;
}
export function checkDigest(digest: string): string {
  if (!DIGEST.test(digest)) throw new InvalidArgumentError("digest of a blob", "SHA-256 as 64 lower-case hex digits", digest);
  return digest;
}

export interface Wanted {
  readonly owner: string;
  readonly digest: string;
  /** What to give of it; everything by default. All of it is read, and hashed, in any case. */
  readonly range?: ByteRange | undefined;
}

/** The last chunk is held back until the digest of all of them is known. */
export async function* verified(
  chunks: AsyncIterable<Uint8Array>,
  { owner, digest, range = EVERYTHING }: Wanted,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let heldBack: Uint8Array | null = null;
  let at = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    const part = chunk.subarray(Math.max(0, range.from - at), Math.max(0, range.to - at));
    at += chunk.length;
    if (part.length === 0) continue;
    if (heldBack !== null) yield heldBack;
    heldBack = part;
  }
  const got = hash.digest("hex");
  if (got !== digest) throw new BlobAlteredError(owner, digest, got);
  if (heldBack !== null) yield heldBack;
}
