/** The store under all actors, each write seen by a watch, and hashed as it stands. */
import type { PortCall } from "../../src/adapters/memory/intercept.ts";
import { createMemoryRecordStore } from "../../src/adapters/memory/record-store.ts";
import type { RecordDraft, RecordKey, RecordStore, StoredRecord } from "../../src/ports/record-store.ts";
import { hashOf, sumOf, without } from "./hashes.ts";

export interface WatchedRecords {
  readonly store: RecordStore;
  readonly partitions: ReadonlyMap<string, ReadonlyMap<string, StoredRecord>>;
  find(partition: string, sort: string): StoredRecord | null;
  /** Of all that is stored. Write ids are left out: nothing but the write itself goes by them. */
  hash(): number;
  /** What of an answer its caller may go by. */
  seen(answer: unknown): string;
  /** What a write would answer and leave behind; null for other calls. */
  foresee(call: PortCall): { readonly seen: string; readonly hash: number } | null;
}
export type OnWrite = (record: RecordDraft, before: StoredRecord | null) => void;

export function watchRecords(collects: boolean, onWrite: OnWrite): WatchedRecords {
  const inner = createMemoryRecordStore({ collects });
  const partitions = new Map<string, Map<string, StoredRecord>>();
  const hashes = new Map<string, number>();
  let total = 0;
  const nameOf = ({ partition, sort }: RecordKey): string => `${partition} ${sort}`;
  const forget = (key: RecordKey): void => {
    total = without(total, hashes.get(nameOf(key)) ?? 0);
    hashes.delete(nameOf(key));
  };
  const find = (partition: string, sort: string): StoredRecord | null => partitions.get(partition)?.get(sort) ?? null;
  const known = (record: RecordKey): number => hashes.get(nameOf(record)) ?? 0;
  function hashAt({ body, data, due, listed, expiresAtMs, ...key }: RecordDraft, revision: number): number {
    const bytes = data === null ? "" : Buffer.from(data).toString("latin1");
    return hashOf(JSON.stringify([nameOf(key), revision, body, bytes, due, listed, expiresAtMs]));
  }
  function seen(answer: unknown): string {
    if (Array.isArray(answer)) return answer.map((one: unknown) => (isRecord(one) ? known(one) : JSON.stringify(one))).join();
    if (typeof answer !== "object" || answer === null) return String(answer);
    const current: unknown = Reflect.get(answer, "current");
    if (isRecord(current)) return `lost to ${known(current)}`;
    return Symbol.asyncIterator in answer ? "a stream" : JSON.stringify(answer);
  }
  function inRange(partition: string, range: unknown, limit: unknown): StoredRecord[] {
    const sorts = [...(partitions.get(partition)?.values() ?? [])].filter(({ sort }) => isWithin(sort, range));
    return sorts.sort((a, b) => (a.sort < b.sort ? -1 : 1)).slice(0, typeof limit === "number" ? limit : undefined);
  }
  return {
    partitions,
    find,
    hash: () => total,
    seen,
    foresee: ({ port, method, args: [first, second, third] }) => {
      if (port !== "records") return null;
      if (method === "read") return { seen: seen(inRange(String(first), second, third)), hash: total };
      if (method !== "write" || !isDraft(first)) return null;
      const current = find(first.partition, first.sort);
      if ((current?.revision ?? "absent") !== second) return { seen: seen({ ok: false, current }), hash: total };
      const revision = (current?.revision ?? 0) + 1;
      const hash = sumOf(without(total, known(first)), hashAt(first, revision));
      return { seen: seen({ ok: true, revision }), hash };
    },
    store: {
      ...inner,
      async write(record, expected) {
        const before = find(record.partition, record.sort);
        const written = await inner.write(record, expected);
        if (!written.ok) return written;
        onWrite(record, before);
        const hash = hashAt(record, written.revision);
        forget(record);
        hashes.set(nameOf(record), hash);
        total = sumOf(total, hash);
        const records = partitions.get(record.partition) ?? new Map<string, StoredRecord>();
        partitions.set(record.partition, records.set(record.sort, { ...record, revision: written.revision }));
        return written;
      },
      async remove(key, expected) {
        const removed = await inner.remove(key, expected);
        if (!removed.ok) return removed;
        forget(key);
        partitions.get(key.partition)?.delete(key.sort);
        return removed;
      },
    },
  };
}

function isDraft(value: unknown): value is RecordDraft {
  return typeof value === "object" && value !== null && "partition" in value && "sort" in value && "body" in value;
}
function isRecord(value: unknown): value is StoredRecord {
  return isDraft(value) && "revision" in value;
}
function isWithin(sort: string, range: unknown): boolean {
  if (typeof range !== "object" || range === null) return true;
  return sort >= String(Reflect.get(range, "from")) && sort < String(Reflect.get(range, "to"));
}
