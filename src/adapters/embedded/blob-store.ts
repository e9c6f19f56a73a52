/**
 * Blobs as files: `<home>/blobs/<namespace>/<workId>/<digest>`, for the owner `<namespace>/<workId>`.
 *
 * A blob has its name only when all of it is on disk: it is written to `blobs/.tmp`, synced, renamed, and its folder
 * synced. Every read, of a range too, hashes the whole file, and holds the last chunk back until the digest is known.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { BlobMissingError } from "../../domain/errors.ts";
import type { BlobContent, BlobInfo, BlobStore } from "../../ports/blob-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { checkDigest, checkOwner, verified } from "../shared/blobs.ts";
import { type BlobFiles, createBlobFiles } from "./blob-files.ts";

export interface EmbeddedBlobStoreDeps {
  readonly home: string;
  readonly clock: Clock;
  readonly random: Random;
}

export function createEmbeddedBlobStore({ home, clock, random }: EmbeddedBlobStoreDeps): BlobStore {
  const files = createBlobFiles(join(home, "blobs"), random);
  files.removeStale(clock.nowMs());
  return {
    async put(owner, content) {
      const info = content instanceof Uint8Array ? { digest: sha256(content), bytes: content.length } : null;
      const path = info && pathOf(owner, info.digest);
      if (info === null || path === null || !(await isWhole(files, path, info))) return write(files, owner, content);
      await files.sync(path);
      return info;
    },
    async *get(owner, digest, range) {
      const chunks = await files.open(pathOf(owner, digest));
      if (chunks === null) throw new BlobMissingError(owner, digest);
      yield* verified(chunks, { owner, digest, range });
    },
    async head(owner, digest) {
      const bytes = await files.sizeOf(pathOf(owner, digest));
      return bytes === null ? null : { digest, bytes };
    },
    removeAll: async (owner) => files.removeAll(checkOwner(owner)),
  };
}

/** One that was altered is written anew: a step that runs again mends it. */
async function isWhole(files: BlobFiles, path: string, info: BlobInfo): Promise<boolean> {
  if ((await files.sizeOf(path)) !== info.bytes) return false;
  const chunks = await files.open(path);
  if (chunks === null) return false;
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex") === info.digest;
}

async function write(files: BlobFiles, owner: string, content: BlobContent): Promise<BlobInfo> {
  checkOwner(owner);
  const hash = createHash("sha256");
  let bytes = 0;
  const temporary = await files.writeTemporary(content, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  const digest = hash.digest("hex");
  await files.publish(temporary, pathOf(owner, digest));
  return { digest, bytes };
}

function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
function pathOf(owner: string, digest: string): string {
  return join(checkOwner(owner), checkDigest(digest));
}
