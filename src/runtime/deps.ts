/** What the use-cases work with: ports, a codec and the settings of one namespace. */

import type { Namespace } from "../domain/ids.ts";
import { ABANDON_MS, HEARTBEAT_MS, LEASE_DURATION_MS, RETENTION_MS, VISIBILITY_MS } from "../domain/limits.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { ProcessTable } from "../ports/process-table.ts";
import type { Random } from "../ports/random.ts";
import type { RecordStore } from "../ports/record-store.ts";
import type { WorkQueue } from "../ports/work-queue.ts";
import type { Codec } from "../wire/codec.ts";

export interface Settings {
  readonly leaseDurationMs: number;
  readonly heartbeatMs: number;
  readonly visibilityMs: number;
  readonly abandonMs: number;
  readonly retentionMs: number;
  /** How long a write waits for a store that cannot be reached before it gives up. */
  readonly patienceMs: number;
}
export const DEFAULT_SETTINGS: Settings = {
  leaseDurationMs: LEASE_DURATION_MS,
  heartbeatMs: HEARTBEAT_MS,
  visibilityMs: VISIBILITY_MS,
  abandonMs: ABANDON_MS,
  retentionMs: RETENTION_MS,
  patienceMs: 0,
};

export interface Deps {
  readonly namespace: Namespace;
  readonly store: RecordStore;
  readonly queue: WorkQueue;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly processes: ProcessTable;
  readonly codec: Codec;
  readonly settings: Settings;
  /** Unique to a write, in this process and every other. */
  readonly nonce: () => string;
}

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
