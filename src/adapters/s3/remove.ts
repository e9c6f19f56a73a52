/** Everything under a prefix, and uploads there that were never completed. */
import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { isNamed, isStatus, named, type Place, unavailable } from "./requests.ts";

/** A thousand with each request. */
export async function removeObjects(client: S3Client, place: Place): Promise<void> {
  const { bucket, key } = place;
  let next: string | undefined;
  do {
    const list = new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken: next });
    const { Contents = [], NextContinuationToken } = await named("ListObjectsV2", place, () => client.send(list));
    const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
    if (Objects.length > 0) await remove(client, place, Objects);
    next = NextContinuationToken;
  } while (next !== undefined);
}

async function remove(client: S3Client, place: Place, Objects: { Key: string }[]): Promise<void> {
  const command = new DeleteObjectsCommand({
    Bucket: place.bucket,
    Delete: { Objects, Quiet: true },
    ChecksumAlgorithm: "CRC32",
  });
  const { Errors: [failed] = [] } = await named("DeleteObjects", place, () => client.send(command));
  if (failed === undefined) return;
  const { Key = place.key, Code = "", Message = "" } = failed;
  throw unavailable("DeleteObjects", { ...place, key: Key }, Object.assign(new Error(`${Code}: ${Message}`), { name: Code }));
}

/** Who may not see them leaves them to the bucket's rule for such uploads. */
export async function abortUploads(client: S3Client, place: Place): Promise<void> {
  const { bucket, key } = place;
  let next: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | null = {};
  while (next !== null) {
    const list: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key, ...next });
    const page = await client.send(list).catch((thrown: unknown) => {
      if (isStatus(thrown, 403)) return null;
      throw unavailable("ListMultipartUploads", place, thrown);
    });
    await Promise.all((page?.Uploads ?? []).map(({ Key = "", UploadId = "" }) => abort(client, { bucket, key: Key }, UploadId)));
    next = page?.IsTruncated === true ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
  }
}

async function abort(client: S3Client, place: Place, UploadId: string): Promise<void> {
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: place.bucket, Key: place.key, UploadId }));
  } catch (thrown) {
    if (!isNamed(thrown, "NoSuchUpload")) throw unavailable("AbortMultipartUpload", place, thrown);
  }
}
