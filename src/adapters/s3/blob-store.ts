/**
 * Blobs as objects: `<namespace>/<workId>/<digest>`, for the owner `<namespace>/<workId>`.
 *
 * S3 checks the SHA-256 of what is written, and writes a name once only. A stream's digest, and so its name, is known at
 * its end: one longer than a part is uploaded under a passing name (`_tmp/…`) first. What is altered afterwards, which
 * only a person can do, every read notices; the bucket keeps the version from before.
 */
import { createHash } from "node:crypto";
import { DeleteObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import type { BlobInfo, BlobStore } from "../../ports/blob-store.ts";
import { UPLOAD_PREFIX } from "../../wire/environment.ts";
import { checkDigest, checkOwner } from "../shared/blobs.ts";
import { inPieces, rejoined } from "./pieces.ts";
import { headOf, readRange, readWhole } from "./read.ts";
import { abortUploads, removeObjects } from "./remove.ts";
import { named, type Place, type S3Deps, writeOnce } from "./requests.ts";
import { at, base64, copy, PART_BYTES, uploadParts } from "./upload.ts";

const NAME_BYTES = 12;

export function createS3BlobStore(deps: S3Deps): BlobStore {
  const { client } = deps;
  const placeOf = async (owner: string, digest: string): Promise<Place> => {
    const key = `${checkOwner(owner)}/${checkDigest(digest)}`;
    return { bucket: await deps.bucket(), key };
  };
  return {
    async put(owner, content) {
      const bucket = await deps.bucket();
      checkOwner(owner);
      if (!(content instanceof Uint8Array)) return putStream(deps, bucket, owner, content);
      const digest = createHash("sha256").update(content).digest("hex");
      return putBytes(deps, { bucket, key: `${owner}/${digest}` }, digest, content);
    },
    async *get(owner, digest, range) {
      const place = await placeOf(owner, digest);
      if (range === undefined) yield* readWhole(client, { owner, digest, place });
      else yield* readRange(client, { owner, digest, place, range });
    },
    async head(owner, digest) {
      const found = await headOf(client, await placeOf(owner, digest));
      return found && { digest, bytes: found.ContentLength ?? 0 };
    },
    async removeAll(owner) {
      const bucket = await deps.bucket();
      const own = { bucket, key: `${checkOwner(owner)}/` };
      const passing = { bucket, key: `${UPLOAD_PREFIX}${owner}/` };
      await Promise.all([removeObjects(client, own), removeObjects(client, passing), abortUploads(client, passing)]);
    },
  };
}

async function putBytes(deps: S3Deps, place: Place, digest: string, bytes: Uint8Array): Promise<BlobInfo> {
  const ChecksumSHA256 = base64(digest);
  const command = new PutObjectCommand({
    ...at(place),
    Body: bytes,
    ContentLength: bytes.length,
    ChecksumSHA256,
    IfNoneMatch: "*",
  });
  await named("PutObject", place, () => writeOnce(deps, () => deps.client.send(command)));
  return { digest, bytes: bytes.length };
}

async function putStream(deps: S3Deps, bucket: string, owner: string, content: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
  const hash = createHash("sha256");
  let bytes = 0;
  const pieces = inPieces(content, PART_BYTES, (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  try {
    const [first, second] = [await pieces.next(), await pieces.next()];
    const front = [first, second].flatMap(({ value }) => value ?? []);
    const [only] = front;
    if (second.done === true && only !== undefined) {
      const digest = hash.digest("hex");
      return await putBytes(deps, { bucket, key: `${owner}/${digest}` }, digest, only);
    }
    const from = `${UPLOAD_PREFIX}${owner}/${Buffer.from(deps.random.bytes(NAME_BYTES)).toString("hex")}`;
    await uploadParts(deps, { bucket, key: from }, rejoined(front, pieces));
    const digest = hash.digest("hex");
    await finish(deps, { bucket, from, to: `${owner}/${digest}`, owner, digest, bytes });
    return { digest, bytes };
  } finally {
    // However it ends, the source is told.
    await pieces.return();
  }
}

async function finish(deps: S3Deps, copying: Parameters<typeof copy>[1]): Promise<void> {
  try {
    await copy(deps, copying);
  } finally {
    // The bucket's rule collects what cannot be taken away now.
    await deps.client.send(new DeleteObjectCommand(at({ bucket: copying.bucket, key: copying.from }))).catch(() => undefined);
  }
}
