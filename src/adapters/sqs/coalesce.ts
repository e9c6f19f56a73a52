/**
 * Calls of a few milliseconds as one request: SQS bills a batch of ten like a message of their size together. Each
 * caller is told what became of its own entry, and of nobody else's.
 */
import type { Clock } from "../../ports/clock.ts";

const MAX_ENTRIES = 10;
/** Of all bodies of a batch together. */
const MAX_BYTES = 1_048_576;

export interface CoalesceDeps<E> {
  readonly clock: Clock;
  /** How long an entry waits for others. */
  readonly waitMs: number;
  bytesOf(entry: E): number;
  /** What became of each, in their order: null when it is done. Throws when the request failed as a whole. */
  request(queueUrl: string, entries: readonly E[]): Promise<readonly (Error | null)[]>;
}

interface Waiting<E> {
  readonly entry: E;
  readonly settle: (failure: unknown) => void;
}
interface Batch<E> {
  readonly waiting: Waiting<E>[];
  readonly cancel: () => void;
  bytes: number;
}

export type Coalesced<E> = (queueUrl: string, entry: E) => Promise<void>;

export function coalesce<E>({ clock, waitMs, bytesOf, request }: CoalesceDeps<E>): Coalesced<E> {
  const open = new Map<string, Batch<E>>();
  const close = (queueUrl: string): void => {
    const batch = open.get(queueUrl);
    if (batch === undefined) return;
    open.delete(queueUrl);
    batch.cancel();
    void deliver(batch.waiting, (entries) => request(queueUrl, entries));
  };
  const batchFor = (queueUrl: string, bytes: number): Batch<E> => {
    const current = open.get(queueUrl);
    if (current !== undefined && current.bytes + bytes <= MAX_BYTES) return current;
    close(queueUrl);
    const batch = { waiting: [], bytes: 0, cancel: clock.after(waitMs, () => close(queueUrl)) };
    open.set(queueUrl, batch);
    return batch;
  };
  return (queueUrl, entry) =>
    new Promise((resolve, reject) => {
      const bytes = bytesOf(entry);
      const batch = batchFor(queueUrl, bytes);
      batch.bytes += bytes;
      batch.waiting.push({ entry, settle: (failure) => (failure === null ? resolve() : reject(failure)) });
      if (batch.waiting.length === MAX_ENTRIES) close(queueUrl);
    });
}

async function deliver<E>(
  waiting: readonly Waiting<E>[],
  request: (entries: readonly E[]) => Promise<readonly (Error | null)[]>,
): Promise<void> {
  try {
    const failures = await request(waiting.map(({ entry }) => entry));
    waiting.forEach(({ settle }, index) => void settle(failures[index] ?? null));
  } catch (thrown) {
    for (const { settle } of waiting) settle(thrown);
  }
}
