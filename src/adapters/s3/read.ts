/** Reading blobs: all of one, or a range. */
import { GetObjectCommand, HeadObjectCommand, type HeadObjectCommandOutput, type S3Client } from "@aws-sdk/client-s3";
import { BlobAlteredError, BlobMissingError } from "../../domain/errors.ts";
import type { ByteRange } from "../../ports/blob-store.ts";
import { verified, type Wanted } from "../shared/blobs.ts";
import { isNamed, isStatus, type Place, unavailable } from "./requests.ts";
import { at, base64, hex } from "./upload.ts";

/** S3 answers so to a missing key as well, where the caller may not list the bucket: which of both it is, it hides. */
const HIDDEN = ": it is missing, or may not be read (without s3:ListBucket S3 does not say which)";

export interface Asked extends Wanted {
  readonly place: Place;
}

/** Hashed on its way, all of it. */
export async function* readWhole(client: S3Client, asked: Asked): AsyncGenerator<Uint8Array> {
  yield* verified(bodyOf(client, asked, {}), asked);
}

/**
 * Without reading the rest: S3 keeps the SHA-256 that it checked when the blob was written, and gives the bytes of that
 * very object (`IfMatch`). Where it has none of the whole, as for what was copied in parts, all of it is read.
 */
export async function* readRange(client: S3Client, asked: Asked & { range: ByteRange }): AsyncGenerator<Uint8Array> {
  const { owner, digest, range, place } = asked;
  const head = await headOf(client, place);
  if (head === null) throw new BlobMissingError(owner, digest);
  const { ChecksumSHA256: got, ChecksumType, ETag, ContentLength = 0 } = head;
  if (got === undefined || ChecksumType === "COMPOSITE") return yield* readWhole(client, asked);
  if (got !== base64(digest)) throw new BlobAlteredError(owner, digest, hex(got));
  const to = Math.min(range.to, ContentLength);
  if (range.from >= to) return;
  yield* bodyOf(client, asked, { Range: `bytes=${range.from}-${to - 1}`, IfMatch: ETag });
}

/** Null when it is missing. */
export async function headOf(client: S3Client, place: Place): Promise<HeadObjectCommandOutput | null> {
  try {
    return await client.send(new HeadObjectCommand({ ...at(place), ChecksumMode: "ENABLED" }));
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw unreadable("HeadObject", place, thrown);
  }
}

interface How {
  readonly Range?: string;
  readonly IfMatch?: string | undefined;
}

async function* bodyOf(client: S3Client, { owner, digest, place }: Asked, how: How): AsyncGenerator<Uint8Array> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ ...at(place), ...how }));
    if (!isAsyncIterable(Body)) throw new TypeError("expected a stream as the body");
    for await (const chunk of Body) if (chunk instanceof Uint8Array) yield chunk;
  } catch (thrown) {
    if (isMissing(thrown)) throw new BlobMissingError(owner, digest);
    throw unreadable("GetObject", place, thrown);
  }
}

function isMissing(thrown: unknown): boolean {
  return isStatus(thrown, 404) && !isNamed(thrown, "NoSuchBucket");
}
function unreadable(operation: string, place: Place, thrown: unknown): Error {
  return unavailable(operation, place, thrown, isStatus(thrown, 403) ? HIDDEN : undefined);
}
function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
