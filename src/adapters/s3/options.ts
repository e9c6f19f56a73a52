import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { SECOND_MS } from "../../domain/limits.ts";

/**
 * For the client of an `S3BlobStore`. Every upload carries its checksum because the store says so, with each request;
 * every download is checked against its digest, so the SDK need not check it too. `forcePathStyle` is the caller's.
 */
export const s3ClientOptions = {
  maxAttempts: 4,
  retryMode: "standard",
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
  requestHandler: {
    connectionTimeout: 3 * SECOND_MS,
    // Of silence: uploads and downloads take the time that they take.
    socketTimeout: 60 * SECOND_MS,
  },
} satisfies S3ClientConfig;
