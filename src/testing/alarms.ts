/** The due index as a list of alarms: who lets time pass knows when the next one rings, and need not sweep to find out. */
import type { DueEntry, RecordKey, RecordStore } from "../ports/record-store.ts";

export interface Alarms {
  readonly store: RecordStore;
  /** Null when none is set. */
  nextAtMs(): number | null;
}

/** The store with its due index kept apart; whoever writes alarms is to go through it. */
export function watchAlarms(store: RecordStore): Alarms {
  const alarms = new Map<string, DueEntry & { readonly shard: number }>();
  /** Sort keys that had an alarm once: most records never do. */
  const sorts = new Set<string>();
  const nameOf = ({ partition, sort }: RecordKey): string => `${partition} ${sort}`;
  const forget = (key: RecordKey): void => {
    if (sorts.has(key.sort)) alarms.delete(nameOf(key));
  };
  return {
    nextAtMs: () => {
      let next: number | null = null;
      for (const { atMs } of alarms.values()) if (next === null || atMs < next) next = atMs;
      return next;
    },
    store: {
      ...store,
      async write(record, expected) {
        const written = await store.write(record, expected);
        if (!written.ok) return written;
        if (record.due === null) forget(record);
        else {
          sorts.add(record.sort);
          alarms.set(nameOf(record), { partition: record.partition, ...record.due });
        }
        return written;
      },
      async remove(key, expected) {
        const removed = await store.remove(key, expected);
        if (removed.ok) forget(key);
        return removed;
      },
      due: async (shard, untilMs, limit) => {
        const due = [...alarms.values()].filter((alarm) => alarm.shard === shard && alarm.atMs <= untilMs);
        const entries = due.sort((a, b) => a.atMs - b.atMs || (a.partition < b.partition ? -1 : 1)).slice(0, limit);
        return entries.map(({ partition, atMs }) => ({ partition, atMs }));
      },
    },
  };
}
