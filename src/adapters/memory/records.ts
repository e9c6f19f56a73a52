/** What stands in memory: records by their keys, and the alarms among them. It copies nothing. */
import type { DueEntry, RecordKey, SortRange, StoredRecord } from "../../ports/record-store.ts";

export interface MemoryRecords {
  find(key: RecordKey): StoredRecord | null;
  /** In key order. */
  within(partition: string, range: SortRange | undefined, limit: number): readonly StoredRecord[];
  everything(): readonly StoredRecord[];
  /** In the place of the one with the same key. */
  set(record: StoredRecord): void;
  remove(key: RecordKey): void;
  /** Earliest first. */
  due(shard: number, untilMs: number): readonly DueEntry[];
  /** When the next alarm rings; null when none is set. */
  nextAlarmAtMs(): number | null;
}

export function createMemoryRecords(): MemoryRecords {
  /** Each in key order. */
  const partitions = new Map<string, StoredRecord[]>();
  const alarms = new Set<StoredRecord>();
  return {
    find: ({ partition, sort }) => {
      const records = partitions.get(partition) ?? NONE;
      return recordAt(records, placeOf(records, sort), sort);
    },
    within(partition, range, limit) {
      const records = partitions.get(partition) ?? NONE;
      const from = range === undefined ? 0 : placeOf(records, range.from);
      const to = range === undefined ? records.length : placeOf(records, range.to);
      return records.slice(from, Math.min(to, from + limit));
    },
    everything: () => [...partitions.values()].flat(),
    set(record) {
      const records = partitions.get(record.partition) ?? [];
      const at = placeOf(records, record.sort);
      const before = recordAt(records, at, record.sort);
      if (records.length === 0) partitions.set(record.partition, records);
      records.splice(at, before === null ? 0 : 1, record);
      if (before !== null) alarms.delete(before);
      if (record.due !== null) alarms.add(record);
    },
    remove({ partition, sort }) {
      const records = partitions.get(partition) ?? NONE;
      const at = placeOf(records, sort);
      const before = recordAt(records, at, sort);
      if (before === null) return;
      alarms.delete(before);
      if (records.length === 1) partitions.delete(partition);
      else records.splice(at, 1);
    },
    due(shard, untilMs) {
      const entries: DueEntry[] = [];
      for (const { partition, due } of alarms) {
        if (due?.shard === shard && due.atMs <= untilMs) entries.push({ partition, atMs: due.atMs });
      }
      return entries.sort((a, b) => a.atMs - b.atMs || compare(a.partition, b.partition));
    },
    nextAlarmAtMs() {
      let next: number | null = null;
      for (const { due } of alarms) if (due !== null && (next === null || due.atMs < next)) next = due.atMs;
      return next;
    },
  };
}

const NONE: StoredRecord[] = [];

/** Keys are ASCII, so the order of code units is the order of bytes. */
export function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
/** Where a sort key stands, or would. */
function placeOf(records: readonly StoredRecord[], sort: string): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.sort ?? "") < sort) low = middle + 1;
    else high = middle;
  }
  return low;
}
function recordAt(records: readonly StoredRecord[], at: number, sort: string): StoredRecord | null {
  const record = records[at];
  return record?.sort === sort ? record : null;
}
