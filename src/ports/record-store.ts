/**
 * The one primitive: records under a revision condition (DESIGN §2).
 *
 * Every piece of durable state is a record. There is one way to write: put it if its revision is still the one that
 * was read, or if it is absent. Nothing here knows what a record means.
 */
import type { Json } from "../domain/json.ts";

/** Counts the writes of one record, from 1. Meaningful only to compare for equality. */
export type Revision = number;

/** ASCII, at most 1,024 bytes each; `sort` orders by byte. */
export interface RecordKey {
  readonly partition: string;
  readonly sort: string;
}

/** The part of a record that a person may read in a console: plain JSON fields. */
export type Body = { readonly [field: string]: Json };

export interface RecordDraft extends RecordKey {
  readonly body: Body;
  /** Encoded bytes (state, payload, a segment); null for none. */
  readonly data: Uint8Array | null;
  /** Unique to this write: tells a lost answer from a lost race. */
  readonly writeId: string;
  /** Entry in the sparse due index: the instant by which somebody must look. Only DUE records have one. */
  readonly due: { readonly shard: number; readonly atMs: number } | null;
  /** Entry in the list index; newest first within a group. */
  readonly listed: { readonly group: string; readonly atMs: number } | null;
  /** From then on a store that collects may delete it; absent: never. Only garbage goes by it, it decides nothing (G7). */
  readonly expiresAtMs?: number;
}

export interface StoredRecord extends RecordDraft {
  readonly revision: Revision;
}

/** Sort keys from `from` (inclusive) to `to` (exclusive), by byte order. */
export interface SortRange {
  readonly from: string;
  readonly to: string;
}

/** `current` is the record that won, or null when there is none. */
export type Written =
  | { readonly ok: true; readonly revision: Revision }
  | { readonly ok: false; readonly current: StoredRecord | null };
export type Removed = { readonly ok: true } | { readonly ok: false; readonly current: StoredRecord | null };

export interface DueEntry {
  readonly partition: string;
  readonly atMs: number;
}

export interface ListQuery {
  readonly group: string;
  /** At most this many entries, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before; null for the first. */
  readonly after: string | null;
}
export interface ListEntry {
  readonly partition: string;
  readonly atMs: number;
}
export interface Page<T> {
  readonly entries: readonly T[];
  /** Null on the last page. */
  readonly next: string | null;
}

/**
 * Errors: `StoreUnavailableError` (retryable) when the store cannot be reached, is full or read-only; the write may or
 * may not have been applied. A missed condition is an answer, never an error.
 */
export interface RecordStore {
  /**
   * What a write is rounded up to, in bytes: 1,024 where writes are billed by the KiB, a page where they are not.
   * Tails are sealed when they would cross into another block.
   */
  readonly blockBytes: number;
  /** Without asking the store: how much of its blocks a record takes. */
  readonly measure: { bytesOf(record: RecordDraft): number };
  /** It deletes by itself, some day, what has expired. Where it does not, the sweeper deletes, and nothing expires. */
  readonly collects: boolean;
  /** Strongly consistent, in key order, the whole partition without a range. An empty partition is an empty list. */
  read(partition: string, range?: SortRange, limit?: number): Promise<readonly StoredRecord[]>;
  /** The repeat of a write that was applied misses too; `current` then has its own `writeId`. */
  write(record: RecordDraft, expected: Revision | "absent"): Promise<Written>;
  /** Removing what is absent fails its condition with `current: null`. */
  remove(key: RecordKey, expected: Revision): Promise<Removed>;
  /** Entries of one shard that are due at `untilMs`, earliest first. Eventually consistent. */
  due(shard: number, untilMs: number, limit: number): Promise<readonly DueEntry[]>;
  /** Newest first. Eventually consistent. */
  list(query: ListQuery): Promise<Page<ListEntry>>;
}
