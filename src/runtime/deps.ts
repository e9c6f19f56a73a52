/** What the use-cases work with: ports, a codec and the settings of one namespace. */

import type { Namespace } from "../domain/ids.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Meter } from "../ports/meter.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { ProcessTable } from "../ports/process-table.ts";
import type { Random } from "../ports/random.ts";
import type { RecordStore } from "../ports/record-store.ts";
import type { WorkQueue } from "../ports/work-queue.ts";
import type { Codec } from "../wire/codec.ts";
import type { Settings } from "./settings.ts";

export interface Deps {
  readonly namespace: Namespace;
  readonly store: RecordStore;
  readonly queue: WorkQueue;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly processes: ProcessTable;
  readonly codec: Codec;
  readonly settings: Settings;
  /** Unique to a write, in this process and every other. */
  readonly nonce: () => string;
  /** Where what is used is billed by the piece. */
  readonly meter?: Meter;
}

/** Where nobody counts. */
export const NO_METRICS: Metrics = { count: () => undefined };

const NONCE_BYTES = 6;

/** Nonces are a random name for the process and a counter: unique without a random value each. */
export function createNonces(random: Random): () => string {
  const name = Array.from(random.bytes(NONCE_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join("");
  let count = 0;
  return () => `${name}${(count++).toString(36)}`;
}

/** Resolves after `ms`, or at once when the signal fires; never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = (): void => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal?.addEventListener("abort", end, { once: true });
  });
}
