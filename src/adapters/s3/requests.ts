/** Requests to S3, their failures named. */
import type { S3Client } from "@aws-sdk/client-s3";
import { RookeryError, StoreUnavailableError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { plainly, sdkFailureOf } from "../shared/sdk-failure.ts";

export interface S3Deps {
  /** Made with `s3ClientOptions`. */
  readonly client: S3Client;
  /** Asked at every call: remembers its answer. */
  readonly bucket: () => Promise<string>;
  readonly clock: Clock;
  readonly random: Random;
}

/** One object, or a prefix of many. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

const MISSING = {
  NoSuchBucket: "there is no such bucket",
  NoSuchKey: "it is not there",
  NoSuchUpload: "the upload is not there",
};

/** @throws StoreUnavailableError that names operation, bucket and key */
export async function named<T>(operation: string, place: Place, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (thrown) {
    throw unavailable(operation, place, thrown);
  }
}
export function unavailable(operation: string, { bucket, key }: Place, thrown: unknown, why?: string): RookeryError {
  if (thrown instanceof RookeryError) return thrown;
  const failure = sdkFailureOf(thrown);
  const cause = thrown instanceof Error && thrown.message !== "" ? thrown : new Error(failure.message, { cause: thrown });
  return new StoreUnavailableError(`${operation} of ${key} in bucket ${bucket}${why ?? plainly(failure, MISSING)}`, cause);
}

export function isStatus(thrown: unknown, status: number): boolean {
  return sdkFailureOf(thrown).status === status;
}
export function isNamed(thrown: unknown, name: string): boolean {
  return sdkFailureOf(thrown).name === name;
}

const CONFLICT_ATTEMPTS = 6;
const FIRST_PAUSE_MS = 50;

/**
 * A write that is made only if nothing is there (`IfNoneMatch: "*"`). Names are digests, so what is there is the same:
 * success. While somebody else writes it S3 says to try again. Null when it was there.
 */
export async function writeOnce<T>(
  { clock, random }: Pick<S3Deps, "clock" | "random">,
  request: () => Promise<T>,
): Promise<T | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await request();
    } catch (thrown) {
      if (isStatus(thrown, 412)) return null;
      if (!isStatus(thrown, 409) || attempt === CONFLICT_ATTEMPTS) throw thrown;
    }
    const pauseMs = FIRST_PAUSE_MS * 2 ** attempt * random.fraction();
    await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
  }
}
