/** Streams too long for one request: uploaded in parts, and copied to their name once all of it is known. */
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { BlobAlteredError, InvalidArgumentError, invariant } from "../../domain/errors.ts";
import { isNamed, isStatus, named, type Place, type S3Deps, unavailable, writeOnce } from "./requests.ts";

/** The least that S3 takes for a part, and the most parts of an object: streams of up to 52 GB. */
export const PART_BYTES = 5 * 1_048_576;
const MAX_PARTS = 10_000;

type Deps = Pick<S3Deps, "client" | "clock" | "random">;

/** Constant memory: a part is sent before the next one is read. */
export async function uploadParts({ client }: Deps, place: Place, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  await inUpload(client, place, async (UploadId) => {
    const parts: CompletedPart[] = [];
    for await (const Body of pieces) {
      const PartNumber = parts.length + 1;
      if (PartNumber > MAX_PARTS) throw tooLong();
      const part = { ...at(place), UploadId, PartNumber, Body, ContentLength: Body.length, ChecksumAlgorithm: "CRC32" } as const;
      const { ETag, ChecksumCRC32 } = await named("UploadPart", place, () => client.send(new UploadPartCommand(part)));
      parts.push({ PartNumber, ETag, ChecksumCRC32 });
    }
    const done = { ...at(place), UploadId, MultipartUpload: { Parts: parts } };
    try {
      await client.send(new CompleteMultipartUploadCommand(done));
    } catch (thrown) {
      // Completed before, and its answer lost? Whoever reads it next finds out.
      if (!isNamed(thrown, "NoSuchUpload")) throw unavailable("CompleteMultipartUpload", place, thrown);
    }
  });
}

function tooLong(): Error {
  return new InvalidArgumentError("stream of a blob", `at most ${MAX_PARTS * PART_BYTES} bytes`, "more");
}

/** Without parts left behind when it fails. */
async function inUpload(client: S3Client, place: Place, fill: (uploadId: string) => Promise<void>): Promise<void> {
  const create = new CreateMultipartUploadCommand({ ...at(place), ChecksumAlgorithm: "CRC32" });
  const { UploadId } = await named("CreateMultipartUpload", place, () => client.send(create));
  invariant(UploadId !== undefined, `S3 gives an id to the upload of ${place.key}`);
  try {
    await fill(UploadId);
  } catch (thrown) {
    // The bucket's rule collects what cannot be taken away now.
    await client.send(new AbortMultipartUploadCommand({ ...at(place), UploadId })).catch(() => undefined);
    throw thrown;
  }
}

/** The longest object that S3 copies at once, in bytes; parts of a longer one. */
const COPY_LIMITS = { whole: 5_000_000_000, part: 512 * 1_048_576 };

export interface Copying {
  readonly bucket: string;
  readonly from: string;
  readonly owner: string;
  readonly digest: string;
  readonly to: string;
  readonly bytes: number;
}

export async function copy(deps: Deps, copying: Copying, limits = COPY_LIMITS): Promise<void> {
  if (copying.bytes <= limits.whole) return copyWhole(deps, copying);
  await copyParts(deps, copying, limits.part);
}

/** S3 computes the SHA-256 of all of it: what became of the parts is checked where it lies. */
async function copyWhole(deps: Deps, copying: Copying): Promise<void> {
  const { client } = deps;
  const { bucket, from, to, owner, digest } = copying;
  const place = { bucket, key: to };
  const how = { ...at(place), CopySource: `${bucket}/${from}`, ChecksumAlgorithm: "SHA256" } as const;
  const copied = await named("CopyObject", place, () =>
    writeOnce(deps, async () => {
      try {
        return await client.send(new CopyObjectCommand({ ...how, IfNoneMatch: "*" }));
      } catch (thrown) {
        // Conditions on copies are not known everywhere, and without one the same is written over the same.
        if (!isStatus(thrown, 501)) throw thrown;
        return client.send(new CopyObjectCommand(how));
      }
    }),
  );
  const got = copied?.CopyObjectResult?.ChecksumSHA256;
  if (got === undefined || got === base64(digest)) return;
  await named("DeleteObject", place, () => client.send(new DeleteObjectCommand(at(place))));
  throw new BlobAlteredError(owner, digest, hex(got));
}

async function copyParts(deps: Deps, { bucket, from, to, bytes }: Copying, partBytes: number): Promise<void> {
  const { client } = deps;
  const place = { bucket, key: to };
  await inUpload(client, place, async (UploadId) => {
    const copyPart = async (index: number): Promise<CompletedPart> => {
      const [first, PartNumber] = [index * partBytes, index + 1];
      const CopySourceRange = `bytes=${first}-${Math.min(bytes, first + partBytes) - 1}`;
      const part = { ...at(place), UploadId, PartNumber, CopySource: `${bucket}/${from}`, CopySourceRange };
      const { CopyPartResult } = await named("UploadPartCopy", place, () => client.send(new UploadPartCopyCommand(part)));
      return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 };
    };
    const Parts = await Promise.all(Array.from({ length: Math.ceil(bytes / partBytes) }, (_, index) => copyPart(index)));
    const done = { ...at(place), UploadId, MultipartUpload: { Parts }, IfNoneMatch: "*" };
    const complete = () => client.send(new CompleteMultipartUploadCommand(done));
    const completed = await named("CompleteMultipartUpload", place, () => writeOnce(deps, complete));
    if (completed === null) await client.send(new AbortMultipartUploadCommand({ ...at(place), UploadId }));
  });
}

export function at({ bucket, key }: Place): { readonly Bucket: string; readonly Key: string } {
  return { Bucket: bucket, Key: key };
}
/** As S3 writes a checksum. */
export function base64(digest: string): string {
  return Buffer.from(digest, "hex").toString("base64");
}
export function hex(checksum: string): string {
  return Buffer.from(checksum, "base64").toString("hex");
}
